{{/*
The pod of a role. Takes {root, role, entry, values, env, attach, graceSeconds, preStopSeconds, tmpSize, dataVolume}:
entry: the name of an entry of agents; attach: where workers attach to its agents, its keys; dataVolume: whether /data is a claim of the StatefulSet's.
*/}}
{{- define "millrace.pod" -}}
{{- $root := .root -}}
{{- $stream := include "millrace.password" (dict "root" $root "what" "stream") | fromJson -}}
{{- $trace := include "millrace.password" (dict "root" $root "what" "trace") | fromJson -}}
{{- $streamCa := $root.Values.stream.ca.secret -}}
{{- $traceCa := $root.Values.trace.ca.secret -}}
{{- $secrets := list -}}
{{- with $stream.name }}{{ $secrets = append $secrets (dict "name" . "key" $stream.key "path" "stream-password") }}{{ end -}}
{{- with $trace.name }}{{ $secrets = append $secrets (dict "name" . "key" $trace.key "path" "trace-password") }}{{ end -}}
{{- with $streamCa.name }}{{ $secrets = append $secrets (dict "name" . "key" $streamCa.key "path" "stream-ca.crt") }}{{ end -}}
{{- with $traceCa.name }}{{ $secrets = append $secrets (dict "name" . "key" $traceCa.key "path" "trace-ca.crt") }}{{ end -}}
{{- $keys := eq .role "frontend" -}}
{{- $tokens := and (eq .role "console") $root.Values.console.tokens.existingSecret -}}
{{- $oidc := ternary $root.Values.console.oidc dict (eq .role "console") -}}
{{- with dig "clientSecret" "name" "" $oidc }}{{ $secrets = append $secrets (dict "name" . "key" $oidc.clientSecret.key "path" "oidc-client-secret") }}{{ end -}}
{{- $agentKeys := dig "keysSecret" "" (.attach | default dict) -}}
metadata:
  labels:
    # No versions among them: a chart that changes nothing of a pod must not restart it.
    {{- include "millrace.roleSelector" . | nindent 4 }}
  annotations:
    # A pod reads its settings once: what changes them must start new ones.
    checksum/config: {{ include "millrace.config" $root | sha256sum }}
    checksum/secrets: {{ include "millrace.secretsChecksum" $root }}
    {{- with .values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "millrace.fullname" $root }}
  automountServiceAccountToken: false
  # Kubernetes would add variables named for services, and a release called millrace would add ones that begin with MILLRACE_.
  enableServiceLinks: false
  {{- with $root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  terminationGracePeriodSeconds: {{ .graceSeconds }}
  containers:
    - name: millrace
      image: {{ include "millrace.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args:
        - start
        - {{ $root.Values.pipeline.file }}
      envFrom:
        - configMapRef:
            name: {{ include "millrace.fullname" $root }}
        {{- with $root.Values.envFrom }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      env:
        - name: MILLRACE_ROLE
          value: {{ .role }}
        {{- with .env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- if $stream.name }}
        - name: MILLRACE_STREAM_PASSWORD_FILE
          value: /run/millrace/stream-password
        {{- end }}
        {{- if $trace.name }}
        - name: MILLRACE_TRACE_PASSWORD_FILE
          value: /run/millrace/trace-password
        {{- end }}
        {{- if $keys }}
        - name: MILLRACE_KEYS
          value: /run/millrace-keys/keys.json
        {{- end }}
        {{- if $tokens }}
        - name: MILLRACE_OPS_TOKENS
          value: /run/millrace-tokens/ops-tokens.json
        {{- end }}
        {{- if and (eq .role "console") $root.Values.console.url }}
        - name: MILLRACE_OPS_URL
          value: {{ $root.Values.console.url | quote }}
        {{- end }}
        {{- if $oidc.issuer }}
        - name: MILLRACE_OIDC_ISSUER
          value: {{ $oidc.issuer | quote }}
        - name: MILLRACE_OIDC_CLIENT_ID
          value: {{ $oidc.clientId | quote }}
        - name: MILLRACE_OIDC_CLAIM
          value: {{ $oidc.claim | quote }}
        {{- with $oidc.viewers }}
        - name: MILLRACE_OIDC_VIEWERS
          value: {{ join "," . | quote }}
        {{- end }}
        {{- with $oidc.operators }}
        - name: MILLRACE_OIDC_OPERATORS
          value: {{ join "," . | quote }}
        {{- end }}
        {{- if $oidc.clientSecret.name }}
        - name: MILLRACE_OIDC_CLIENT_SECRET_FILE
          value: /run/millrace/oidc-client-secret
        {{- end }}
        {{- end }}
        {{- if $agentKeys }}
        - name: MILLRACE_ATTACH
          value: '0.0.0.0:7072'
        - name: MILLRACE_AGENT_KEYS
          value: /run/millrace-agent-keys/agent-keys.json
        {{- end }}
        {{- with concat $root.Values.env .values.env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        {{- if eq .role "frontend" }}
        - name: data
          containerPort: 7070
        {{- end }}
        - name: ops
          containerPort: 7071
        {{- if $agentKeys }}
        - name: attach
          containerPort: 7072
        {{- end }}
      # A pipeline that is slow to load gets two minutes; from then on a process that does not answer is started anew.
      startupProbe:
        httpGet:
          path: /health/live
          port: ops
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet:
          path: /health/live
          port: ops
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet:
          path: /health/ready
          port: ops
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      {{- with .preStopSeconds }}
      # Endpoints are taken out while the pod is told to stop: without this, connections arrive that nobody accepts any more.
      lifecycle:
        preStop:
          sleep:
            seconds: {{ . }}
      {{- end }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        runAsNonRoot: true
        capabilities:
          drop:
            - ALL
      resources:
        {{- toYaml .values.resources | nindent 8 }}
      volumeMounts:
        - name: data
          mountPath: /data
        - name: tmp
          mountPath: /tmp
        {{- if $secrets }}
        - name: secrets
          mountPath: /run/millrace
          readOnly: true
        {{- end }}
        {{- if $keys }}
        # A folder, not a file by subPath: only a folder follows a change of the Secret, and a revoked key must end without a restart.
        - name: keys
          mountPath: /run/millrace-keys
          readOnly: true
        {{- end }}
        {{- if $tokens }}
        - name: tokens
          mountPath: /run/millrace-tokens
          readOnly: true
        {{- end }}
        {{- if $agentKeys }}
        - name: agent-keys
          mountPath: /run/millrace-agent-keys
          readOnly: true
        {{- end }}
        {{- if $root.Values.pipeline.configMap }}
        - name: pipeline
          mountPath: /app
          readOnly: true
        {{- end }}
        {{- with $root.Values.volumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    {{- if not .dataVolume }}
    - name: data
      emptyDir:
        sizeLimit: {{ $root.Values.data.size }}
    {{- end }}
    - name: tmp
      emptyDir:
        sizeLimit: {{ .tmpSize | default $root.Values.data.tmpSize }}
    {{- if $secrets }}
    - name: secrets
      projected:
        defaultMode: 0440
        sources:
          {{- range $secrets }}
          - secret:
              name: {{ .name }}
              items:
                - key: {{ .key }}
                  path: {{ .path }}
          {{- end }}
    {{- end }}
    {{- if $keys }}
    - name: keys
      secret:
        secretName: {{ include "millrace.keysSecret" $root }}
        defaultMode: 0440
        items:
          - key: {{ $root.Values.frontend.keys.key }}
            path: keys.json
    {{- end }}
    {{- if $tokens }}
    - name: tokens
      secret:
        secretName: {{ $tokens }}
        # The console starts without it, and lets nobody in until it is there.
        optional: true
        defaultMode: 0440
        items:
          - key: {{ $root.Values.console.tokens.key }}
            path: ops-tokens.json
    {{- end }}
    {{- if $agentKeys }}
    - name: agent-keys
      secret:
        secretName: {{ $agentKeys }}
        defaultMode: 0440
        items:
          - key: {{ .attach.key | default "agent-keys.json" }}
            path: agent-keys.json
    {{- end }}
    {{- with $root.Values.pipeline.configMap }}
    - name: pipeline
      configMap:
        name: {{ . }}
    {{- end }}
    {{- with $root.Values.volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  # Not required: a cluster of one node, or a zone that is full, must not keep replicas from starting.
  topologySpreadConstraints:
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "millrace.roleSelector" $ | nindent 10 }}
    {{- end }}
  {{- with .values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
