{{/* What the stream's URL says, read once: {brokers, ports, user, prefix, sasl, tls}. KEDA and the network policies need it in parts. */}}
{{- define "millrace.stream" -}}
{{- $url := .Values.stream.url -}}
{{- $rest := regexReplaceAll "^kafkas?://([^@/?]*@)?" $url "" -}}
{{- $brokers := regexFind "^[^/?]+" $rest -}}
{{- $ports := list -}}
{{- range splitList "," $brokers -}}
{{- $ports = append $ports (regexFind "[0-9]+$" (regexFind ":[0-9]+$" .) | default "9092" | int) -}}
{{- end -}}
{{- $user := trimSuffix "@" (trimPrefix "://" (regexFind "://[^@/?]*@" $url)) -}}
{{- $query := dict -}}
{{- range splitList "&" (trimPrefix "?" (regexFind "\\?.*$" $url)) -}}
{{- $pair := splitn "=" 2 . -}}
{{- $_ := set $query $pair._0 (default "" $pair._1) -}}
{{- end -}}
{{- dict "brokers" $brokers "ports" (uniq $ports) "user" $user "prefix" (default "" $query.prefix) "sasl" (default "" $query.sasl) "tls" (hasPrefix "kafkas://" $url) | toJson -}}
{{- end -}}

{{/* A URL as pods get it: with the file of the authority, where the chart mounts one. Takes {root, what: stream|trace}. */}}
{{- define "millrace.url" -}}
{{- $of := index .root.Values .what -}}
{{- if $of.ca.secret.name -}}
{{- printf "%s%sca=/run/millrace/%s-ca.crt" $of.url (ternary "&" "?" (contains "?" $of.url)) .what -}}
{{- else -}}
{{- $of.url -}}
{{- end -}}
{{- end -}}

{{/* The trace's ports: every host's, 26379 where a sentinel's and 6379 where a server's is left out. Behind sentinels and clusters the servers' own 6379 too. */}}
{{- define "millrace.tracePorts" -}}
{{- $url := .Values.trace.url -}}
{{- $hosts := regexFind "^[^/?]+" (regexReplaceAll "^[a-z+]+://([^@/?]*@)?" $url "") -}}
{{- $fallback := ternary "26379" "6379" (contains "+sentinel" $url) -}}
{{- $ports := ternary (list 6379) list (contains "+" $url) -}}
{{- range splitList "," $hosts -}}
{{- $ports = append $ports (regexFind "[0-9]+$" (regexFind ":[0-9]+$" .) | default $fallback | int) -}}
{{- end -}}
{{- uniq $ports | toJson -}}
{{- end -}}

{{/* How much a replica may lag behind on a topic before another is wanted. Takes {keda, read}. See docs/deployment.md for the arithmetic. */}}
{{- define "millrace.lagThreshold" -}}
{{- if .read.lagThreshold -}}
{{- .read.lagThreshold | int64 -}}
{{- else if .read.capacity -}}
{{- max 1 (mulf .read.capacity .keda.utilisation .keda.drainSeconds | floor | int64) -}}
{{- else -}}
{{- fail (printf "agents: %s reads %s without a capacity (data a second of one replica) or a lagThreshold" .read.agent .read.topic) -}}
{{- end -}}
{{- end -}}

{{/* The most replicas that have something to do: no more than the partitions of the topic that has the most. */}}
{{- define "millrace.maxReplicas" -}}
{{- $partitions := 0 -}}
{{- range .reads -}}
{{- $partitions = max $partitions (int .partitions) -}}
{{- end -}}
{{- min (int .replicas.max) $partitions -}}
{{- end -}}
