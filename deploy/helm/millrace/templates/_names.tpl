{{- define "millrace.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* 40 characters: room for what is appended, and for what controllers append to that, within the 63 of a label. */}}
{{- define "millrace.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "millrace.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "millrace.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "millrace.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* Of every pod of the release. */}}
{{- define "millrace.selector" -}}
app.kubernetes.io/name: {{ include "millrace.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Of the pods of one role, and among the agents of one entry. Takes {root, role, entry}. */}}
{{- define "millrace.roleSelector" -}}
{{ include "millrace.selector" .root }}
app.kubernetes.io/component: {{ .role }}
{{- with .entry }}
millrace/agents: {{ . }}
{{- end }}
{{- end -}}

{{- define "millrace.labels" -}}
{{ include "millrace.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "millrace.roleLabels" -}}
{{ include "millrace.labels" .root }}
app.kubernetes.io/component: {{ .role }}
{{- with .entry }}
millrace/agents: {{ . }}
{{- end }}
{{- end -}}

{{/* The Secret and key of a password: {name, key}, or nothing where there is none. Takes {root, what: stream|trace}. */}}
{{- define "millrace.password" -}}
{{- $password := (index .root.Values .what).password -}}
{{- if and $password.value $password.secret.name -}}
{{- fail (printf "%s.password has a value and names the Secret %s: give one of them" .what $password.secret.name) -}}
{{- end -}}
{{- if $password.value -}}
{{- dict "name" (include "millrace.fullname" .root) "key" (printf "%s-password" .what) | toJson -}}
{{- else if $password.secret.name -}}
{{- dict "name" $password.secret.name "key" $password.secret.key | toJson -}}
{{- else -}}
{}
{{- end -}}
{{- end -}}

{{- define "millrace.keysSecret" -}}
{{- if .Values.frontend.keys.json -}}
{{- include "millrace.fullname" . -}}-keys
{{- else -}}
{{- required "frontend.keys.existingSecret is empty, and so is frontend.keys.json: a front end without keys would refuse to listen" .Values.frontend.keys.existingSecret -}}
{{- end -}}
{{- end -}}

{{/* The settings that all roles share. */}}
{{- define "millrace.config" -}}
MILLRACE_STREAM: {{ include "millrace.url" (dict "root" . "what" "stream") | quote }}
MILLRACE_TRACE: {{ include "millrace.url" (dict "root" . "what" "trace") | quote }}
MILLRACE_LISTEN: '0.0.0.0:7070'
MILLRACE_OPS: '0.0.0.0:7071'
# For probes and Prometheus; everything else asks for a log-in. The NetworkPolicy says who reaches it at all.
MILLRACE_OPS_OPEN: metrics
MILLRACE_DATA: /data
{{- end -}}

{{/* Of the passwords that the chart keeps. By scrypt: more people read a pod's annotations than Secrets, and a plain hash of a weak password is soon undone. */}}
{{- define "millrace.secretsChecksum" -}}
{{- if or .Values.stream.password.value .Values.trace.password.value -}}
{{- $passwords := printf "%s\n%s" .Values.stream.password.value .Values.trace.password.value -}}
{{- derivePassword 1 "maximum" $passwords .Release.Name .Release.Namespace | sha256sum | quote -}}
{{- else -}}
none
{{- end -}}
{{- end -}}
