{{/* Who may come in, where it may go: (dict "root" $ "component" ... "callers" (list "scheduler")). */}}
{{- define "redletter.networkPolicy" -}}
{{- $policies := .root.Values.networkPolicies -}}
{{- $root := .root -}}
{{- if $policies.enabled }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "redletter.component" . }}
  {{- include "redletter.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "redletter.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - ports: [{port: 7001, protocol: TCP}]
      from: {{ if $policies.callers }}{{ toYaml $policies.callers | nindent 8 }}{{ else }}[{podSelector: {}}]{{ end }}
    - ports: [{port: 9464, protocol: TCP}]
      from: {{ if $policies.scrapers }}{{ toYaml $policies.scrapers | nindent 8 }}{{ else }}[{namespaceSelector: {}}]{{ end }}
    {{- if .callers }}
    - ports: [{port: 7002, protocol: TCP}]
      from:
        {{- range .callers }}
        - podSelector:
            matchLabels:
              {{- include "redletter.selector" (dict "root" $root "component" .) | nindent 14 }}
        {{- end }}
    {{- end }}
  egress:
    - ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
      to: [{namespaceSelector: {}}]
    - ports:
        {{- range concat $policies.databasePorts $policies.redisPorts }}
        - {port: {{ . }}, protocol: TCP}
        {{- end }}
    {{- if and $root.Values.tracing.endpoint $policies.tracingPort }}
    - ports: [{port: {{ $policies.tracingPort }}, protocol: TCP}]
    {{- end }}
    {{- range .peers }}
    - ports: [{port: 7002, protocol: TCP}]
      to:
        - podSelector:
            matchLabels:
              {{- include "redletter.selector" (dict "root" $root "component" .) | nindent 14 }}
    {{- end }}
    {{- if eq .component "delivery" }}
    # Webhooks: the internet, but not the cluster. delivery_service refuses private addresses by itself as well.
    - ports:
        {{- range $policies.webhookPorts }}
        - {port: {{ . }}, protocol: TCP}
        {{- end }}
      to:
        - ipBlock:
            cidr: 0.0.0.0/0
            except: {{ toYaml $policies.clusterNetworks | nindent 14 }}
        {{- range compact (splitList "," (nospace $root.Values.delivery.allowedNetworks)) }}
        - ipBlock: {cidr: {{ . | quote }}}
        {{- end }}
    {{- end }}
{{- end }}
{{- end -}}
