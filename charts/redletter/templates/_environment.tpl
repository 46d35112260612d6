{{/* The variables of one role: (dict "root" $ "component" "user" "listens" true). */}}
{{- define "redletter.environment" -}}
{{- $values := .root.Values -}}
{{- $own := index $values .component -}}
- {name: REDLETTER_REPLICA_ID, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
- name: REDLETTER_DATABASE_URL
  valueFrom: {secretKeyRef: {name: {{ include "redletter.databaseSecret" .root }}, key: {{ .component }}-url}}
- name: REDLETTER_INTERNAL_SECRET
  valueFrom: {secretKeyRef: {name: {{ include "redletter.internalSecret" .root }}, key: secret}}
- {name: REDLETTER_DATABASE_POOL_SIZE, value: {{ $own.databasePoolSize | quote }}}
- {name: REDLETTER_LOG_LEVEL, value: {{ $values.logLevel | quote }}}
{{- if .listens }}
- {name: REDLETTER_HOST, value: "0.0.0.0"}
- {name: REDLETTER_PUBLIC_PORT, value: "7001"}
- {name: REDLETTER_INTERNAL_PORT, value: "7002"}
- {name: REDLETTER_METRICS_PORT, value: "9464"}
- {name: REDLETTER_GRACE_SECONDS, value: {{ include "redletter.grace" . | quote }}}
{{- if $values.redis.existingSecret }}
- name: REDLETTER_REDIS_URL
  valueFrom: {secretKeyRef: {name: {{ $values.redis.existingSecret }}, key: url}}
{{- else if $values.trial.enabled }}
- {name: REDLETTER_REDIS_URL, value: "redis://{{ include "redletter.component" (dict "root" .root "component" "valkey") }}:6379"}
{{- else if $values.redis.url }}
- {name: REDLETTER_REDIS_URL, value: {{ $values.redis.url | quote }}}
{{- end }}
- {name: REDLETTER_REDIS_CLUSTER, value: {{ $values.redis.cluster | quote }}}
{{- with $values.tracing.endpoint }}
- {name: REDLETTER_OTLP_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- end }}
{{- if ne .component "user" }}
- {name: REDLETTER_USER_SERVICE_ADDRESS, value: {{ include "redletter.peer" (dict "root" .root "component" "user") | quote }}}
{{- end }}
{{- if eq .component "scheduler" }}
- {name: REDLETTER_DELIVERY_SERVICE_ADDRESS, value: {{ include "redletter.peer" (dict "root" .root "component" "delivery") | quote }}}
- {name: REDLETTER_TZDATA_AUTOMATIC, value: {{ $own.tzdataAutomatic | quote }}}
{{- end }}
{{- if eq .component "delivery" }}
- {name: REDLETTER_ALLOWED_NETWORKS, value: {{ $own.allowedNetworks | quote }}}
- {name: REDLETTER_REFUSED_NETWORKS, value: {{ $own.refusedNetworks | quote }}}
- {name: REDLETTER_ALLOWED_PORTS, value: {{ include "redletter.allowedPorts" .root | quote }}}
- {name: REDLETTER_ALLOW_HTTP, value: {{ $own.allowHttp | quote }}}
- {name: REDLETTER_RETENTION_DAYS, value: {{ $own.retentionDays | int | quote }}}
- {name: REDLETTER_LANE_CONCURRENCY, value: {{ $own.laneConcurrency | int | quote }}}
- {name: REDLETTER_MAX_IN_FLIGHT, value: {{ $own.maxInFlight | int | quote }}}
- {name: REDLETTER_INBOX_STREAMS, value: {{ $own.inboxStreams | int | quote }}}
{{- if $own.caSecret }}
- {name: REDLETTER_CA_FILE, value: /etc/redletter/ca/ca.crt}
{{- end }}
{{- end }}
{{- range $name, $value := merge (dict) $own.extraEnv $values.defaults.extraEnv }}
- {name: {{ $name }}, value: {{ include "redletter.text" $value | quote }}}
{{- end }}
{{- end -}}

{{/* All replicas of a peer, by the headless Service: the client spreads its calls over them. */}}
{{- define "redletter.peer" -}}
{{- printf "%s-headless:7002" (include "redletter.component" .) -}}
{{- end -}}

{{/* A number as it was written: Helm reads each one as floating-point, and 2000000 would become 2e+06. */}}
{{- define "redletter.text" -}}
{{- if kindIs "float64" . }}{{ if eq (floor .) . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}{{ else }}{{ . }}{{ end -}}
{{- end -}}

{{/* As delivery_service reads them: 443,8000-8999. */}}
{{- define "redletter.allowedPorts" -}}
{{- $ports := list -}}
{{- range .Values.delivery.allowedPorts }}{{ $ports = append $ports (include "redletter.text" .) }}{{ end -}}
{{- join "," $ports -}}
{{- end -}}

{{- define "redletter.grace" -}}
{{- $own := index .root.Values .component -}}
{{- if kindIs "invalid" $own.graceSeconds }}{{ .root.Values.defaults.graceSeconds }}{{ else }}{{ $own.graceSeconds }}{{ end -}}
{{- end -}}
