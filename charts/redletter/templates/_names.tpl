{{/* Name of the release's objects, at most 40 characters so that a component's name fits behind it. */}}
{{- define "redletter.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* `redletter.component` takes (dict "root" $ "component" "user"): <fullname>-user. */}}
{{- define "redletter.component" -}}
{{- printf "%s-%s" (include "redletter.fullname" .root) .component -}}
{{- end -}}

{{- define "redletter.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "redletter.internalSecret" -}}
{{- .Values.internalSecret.existingSecret | default (printf "%s-internal" (include "redletter.fullname" .)) -}}
{{- end -}}

{{- define "redletter.databaseSecret" -}}
{{- if .Values.trial.enabled -}}
{{- printf "%s-trial" (include "redletter.fullname" .) -}}
{{- else -}}
{{- .Values.database.existingSecret -}}
{{- end -}}
{{- end -}}
