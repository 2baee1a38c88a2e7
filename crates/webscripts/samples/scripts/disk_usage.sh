#!/bin/bash
# Lists the file systems of this machine and how full they are, as CSV.
#
# Usage: disk_usage.sh [--minimum PERCENT] [--all]
#
#   --minimum PERCENT  only file systems at least this full, 0 to 100 (default 0)
#   --all              with the file systems that live in memory
#
# The exit code is 1 if no file system could be read.

set -u -o pipefail
export LC_ALL=C

refuse() {
    printf 'disk_usage: %s\n' "$1" >&2
    exit 2
}

# A CSV field: quoted if it holds a comma, a quote or a line break.
field() {
    local text=$1
    if [[ $text == *[\",$'\n']* ]]; then
        text="\"${text//\"/\"\"}\""
    fi
    printf '%s' "$text"
}

minimum=0
kinds=(--exclude-type=tmpfs --exclude-type=devtmpfs --exclude-type=efivarfs)
while (($# > 0)); do
    case $1 in
        --minimum)
            [[ ${2-} =~ ^[0-9]{1,3}$ ]] || refuse '--minimum takes a number'
            minimum=$((10#$2))
            ((minimum <= 100)) || refuse '--minimum must be between 0 and 100'
            shift 2
            ;;
        --all)
            kinds=()
            shift
            ;;
        *) refuse "unexpected word: $1" ;;
    esac
done

# df also fails when a single file system cannot be read; the others are listed.
listing=$(df --portability --block-size=1M "${kinds[@]}")
if [[ -z $listing ]]; then
    printf 'disk_usage: no file system could be read\n' >&2
    exit 1
fi

echo 'mount,device,size_mib,used_mib,free_mib,used_percent'
while read -r device size used free percent mount; do
    percent=${percent%\%}
    [[ $percent =~ ^[0-9]+$ ]] || continue
    ((percent >= minimum)) || continue
    printf '%s,%s,%s,%s,%s,%s\n' \
        "$(field "$mount")" "$(field "$device")" "$size" "$used" "$free" "$percent"
done <<<"$listing"
