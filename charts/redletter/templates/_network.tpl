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
      from:
        {{- if $policies.callers }}
        {{- toYaml $policies.callers | nindent 8 }}
        {{- if $root.Values.test.existingSecret }}
        - podSelector:
            matchLabels:
              {{- include "redletter.selector" (dict "root" $root "component" "test") | nindent 14 }}
        {{- end }}
        {{- else }}
        - podSelector: {}
        {{- end }}
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
    {{- include "redletter.resolving" $root | nindent 4 }}
    {{- include "redletter.reachingStores" (dict "root" $root "ports" (concat $policies.databasePorts $policies.redisPorts)) | nindent 4 }}
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
        {{- range $root.Values.delivery.allowedPorts }}
        {{- $ends := splitList "-" (include "redletter.text" .) }}
        - {port: {{ first $ends }}, {{ if gt (len $ends) 1 }}endPort: {{ last $ends }}, {{ end }}protocol: TCP}
        {{- end }}
      to:
        {{- $refused := concat $policies.clusterNetworks (include "redletter.networks" $root.Values.delivery.refusedNetworks | fromYamlArray) }}
        {{- $four := list }}{{ $six := list }}
        {{- range $refused }}{{ if contains ":" . }}{{ $six = append $six . }}{{ else }}{{ $four = append $four . }}{{ end }}{{ end }}
        - ipBlock:
            cidr: 0.0.0.0/0
            except: {{ toYaml $four | nindent 14 }}
        {{- if contains ":" (join "," $policies.clusterNetworks) }}
        - ipBlock:
            cidr: "::/0"
            except: {{ toYaml $six | nindent 14 }}
        {{- end }}
        {{- range include "redletter.networks" $root.Values.delivery.allowedNetworks | fromYamlArray }}
        - ipBlock: {cidr: {{ . | quote }}}
        {{- end }}
    {{- end }}
{{- end }}
{{- end -}}

{{/* The list of a setting such as "10.0.0.0/8, fd00::/8", as YAML. */}}
{{- define "redletter.networks" -}}
{{- toYaml (compact (splitList "," (nospace .))) -}}
{{- end -}}

{{- define "redletter.resolving" -}}
- ports:
    {{- range .Values.networkPolicies.dnsPorts }}
    - {port: {{ . }}, protocol: UDP}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  to: {{ toYaml .Values.networkPolicies.dnsServers | nindent 4 }}
{{- end -}}

{{- define "redletter.reachingStores" -}}
- ports:
    {{- range .ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  {{- if .root.Values.networkPolicies.stores }}
  to:
    {{- toYaml .root.Values.networkPolicies.stores | nindent 4 }}
    {{- if .root.Values.trial.enabled }}
    - podSelector: {matchLabels: {app.kubernetes.io/instance: {{ .root.Release.Name }}}}
    {{- end }}
  {{- end }}
{{- end -}}
