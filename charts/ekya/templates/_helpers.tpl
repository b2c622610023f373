{{/* Prefix of all names: the release's name with the chart's, at most 40 characters, so that suffixes fit. */}}
{{- define "ekya.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "ekya.operatorName" -}}{{ include "ekya.fullname" . }}-operator{{- end -}}
{{- define "ekya.nodeAgentName" -}}{{ include "ekya.fullname" . }}-node-agent{{- end -}}

{{- define "ekya.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "ekya.operatorName" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Labels of every object. */}}
{{- define "ekya.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: ekya
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels by which pods of a component are selected: (list $ "operator"). They never change. */}}
{{- define "ekya.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ default $root.Chart.Name $root.Values.nameOverride }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Reference of an image: (list $ .Values.operator.image). */}}
{{- define "ekya.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $name := ternary (printf "%s/%s" $image.registry $image.repository) $image.repository (ne $image.registry "") -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default $root.Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* A quantity of memory in whole MiB: numbers with Ki, Mi, Gi, k, M, G or no unit, as the schema demands. */}}
{{- define "ekya.mebibytes" -}}
{{- $text := toString . -}}
{{- $number := regexFind "^[0-9]+" $text | int64 -}}
{{- $unit := regexReplaceAll "^[0-9]+" $text "" -}}
{{- $units := dict "" 1 "k" 1000 "M" 1000000 "G" 1000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 -}}
{{- div (mul $number (get $units $unit | int64)) 1048576 -}}
{{- end -}}

{{/* The value of --storage. */}}
{{- define "ekya.storage" -}}
{{- if eq .Values.storage.type "pvc" -}}
pvc:{{ .Values.storage.pvc.name }}
{{- else -}}
hostPath:{{ .Values.storage.hostPath.path }}
{{- end -}}
{{- end -}}

{{/* Namespaces in which the chart makes what worker pods need, separated by commas. */}}
{{- define "ekya.workerNamespaces" -}}
{{- join "," (default (list .Release.Namespace) .Values.watchNamespaces) -}}
{{- end -}}

{{- define "ekya.priorityClassName" -}}
{{- if .Values.operator.priorityClassName -}}
{{- .Values.operator.priorityClassName -}}
{{- else if .Values.priorityClass.create -}}
{{- include "ekya.fullname" . -}}
{{- end -}}
{{- end -}}

{{/* What the restricted Pod Security Standard demands of a container, and a read-only root. */}}
{{- define "ekya.restricted" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}
