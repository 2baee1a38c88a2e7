#!/bin/bash
# Checks that there is a recent backup.
#
# Usage: backup_check.sh JOB [--maximum-age HOURS]
#
#   JOB                  database, documents or mail
#   --maximum-age HOURS  how old the newest file may be, 1 to 720 (default 26)
#
# The backups of JOB are the files in the directory backups/JOB, below the
# directory in which the server runs. Exit codes: 0 the newest backup is recent,
# 2 the values are wrong, 3 there is no backup or it is too old.

set -u
export LC_ALL=C

complain() {
    printf 'backup_check: %s\n' "$2" >&2
    exit "$1"
}

job=
maximum_age=26
while (($# > 0)); do
    case $1 in
        --maximum-age)
            [[ ${2-} =~ ^[0-9]{1,3}$ ]] || complain 2 '--maximum-age takes a number of hours'
            maximum_age=$((10#$2))
            ((maximum_age >= 1 && maximum_age <= 720)) ||
                complain 2 '--maximum-age must be between 1 and 720 hours'
            shift 2
            ;;
        database | documents | mail)
            [[ -z $job ]] || complain 2 'one job at a time'
            job=$1
            shift
            ;;
        *) complain 2 "unknown job or option: $1" ;;
    esac
done
[[ -n $job ]] || complain 2 'name a job: database, documents or mail'

directory=backups/$job
printf 'Job          %s\n' "$job"
printf 'Directory    %s\n' "$directory"
printf 'Maximum age  %d h\n' "$maximum_age"

newest=
for file in "$directory"/*; do
    [[ -f $file && ( -z $newest || $file -nt $newest ) ]] && newest=$file
done
[[ -n $newest ]] || complain 3 "there is no backup of $job"

age=$((($(date +%s) - $(stat --format=%Y -- "$newest")) / 3600))
printf 'Newest       %s\n' "${newest##*/}"
printf 'Age          %d h\n' "$age"
((age <= maximum_age)) || complain 3 "the newest backup of $job is $age hours old"
printf 'Result       recent\n'
