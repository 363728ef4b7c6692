#!/bin/bash
# Succeeds where a version of the model is served. TensorFlow Serving answers with 200 before that
# too, and its image has neither curl nor wget.
set -euo pipefail
exec 3<>"/dev/tcp/127.0.0.1/${1:-8501}"
printf 'GET /v1/models/%s HTTP/1.0\r\n\r\n' "${MODEL_NAME:-commodity}" >&3
grep -Eq '"state": *"AVAILABLE"' <&3
