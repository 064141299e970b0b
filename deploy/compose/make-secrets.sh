#!/bin/sh
# Makes the passwords of compose.yaml, once: what is there stays. The folder is for you alone; its files can be read by the containers' users.
set -eu
umask 077
folder="$(dirname "$0")/secrets"
mkdir -p "$folder"

random() {
  head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'
}

keep() {
  [ -s "$folder/$1" ] && return
  printf '%s\n' "$2" > "$folder/$1"
  # Compose mounts the file as it is, and another user reads it in the container.
  chmod 444 "$folder/$1"
  echo "made $1"
}

keep redis_password "$(random)"
keep postgres_password "$(random)"
keep s3_credentials "[default]
aws_access_key_id = millrace
aws_secret_access_key = $(random)"
