{{/* Names and labels. `visavis.service` and those after it take (list CONTEXT SERVICE). */}}
{{- define "visavis.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end -}}
{{- end -}}

{{- define "visavis.service" -}}
{{ include "visavis.name" (index . 0) | trunc 50 | trimSuffix "-" }}-{{ index . 1 }}
{{- end -}}

{{- define "visavis.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "visavis.selector" -}}
app.kubernetes.io/name: {{ (index . 0).Chart.Name }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "visavis.account" -}}
{{ .Values.serviceAccount.name | default (ternary (include "visavis.name" .) "default" .Values.serviceAccount.create) }}
{{- end -}}

{{- define "visavis.secret" -}}
{{ .Values.token.existingSecret | default (printf "%s-token" (include "visavis.name" .)) }}
{{- end -}}
