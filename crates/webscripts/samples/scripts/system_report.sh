#!/bin/bash
# Describes this machine as an HTML page: system, memory and network.
#
# Usage: system_report.sh [--sections SECTION...]
#
#   --sections SECTION...  system, memory, network (default all)

set -u -o pipefail
export LC_ALL=C

refuse() {
    printf 'system_report: %s\n' "$1" >&2
    exit 2
}

# The text with everything that has a meaning in HTML replaced. The backslash
# keeps bash 5.2 from taking & for the text that was found.
escape() {
    local text=$1
    text=${text//&/\&amp;}
    text=${text//</\&lt;}
    text=${text//>/\&gt;}
    text=${text//\"/\&quot;}
    printf '%s' "$text"
}

# A table row: the first cell is the heading of the row.
row() {
    printf '<tr><th scope="row">%s</th>' "$(escape "$1")"
    shift
    local cell
    for cell in "$@"; do
        printf '<td>%s</td>' "$(escape "$cell")"
    done
    printf '</tr>\n'
}

# The first line of a file, or "unknown".
first_line() {
    local line=unknown
    [[ -r $1 ]] && read -r line <"$1"
    printf '%s' "$line"
}

duration() {
    local seconds=$1
    printf '%d d %02d h %02d min' $((seconds / 86400)) $((seconds / 3600 % 24)) $((seconds / 60 % 60))
}

system_name() {
    local line
    while IFS= read -r line; do
        if [[ $line == PRETTY_NAME=* ]]; then
            line=${line#PRETTY_NAME=}
            line=${line#\"}
            printf '%s' "${line%\"}"
            return
        fi
    done < <(cat /etc/os-release 2>/dev/null)
    uname -s
}

report_system() {
    local uptime one five fifteen rest
    uptime=$(first_line /proc/uptime)
    read -r one five fifteen rest < <(first_line /proc/loadavg)
    printf '<h2>System</h2>\n<table>\n<tbody>\n'
    row 'Host name' "$(uname -n)"
    row 'Operating system' "$(system_name)"
    row 'Kernel' "$(uname -sr)"
    row 'Architecture' "$(uname -m)"
    row 'Processors' "$(nproc)"
    [[ $uptime =~ ^([0-9]+) ]] && row 'Running for' "$(duration "${BASH_REMATCH[1]}")"
    row 'Load (1, 5, 15 min)' "$one $five $fifteen"
    printf '</tbody>\n</table>\n'
}

report_memory() {
    local name value rest
    printf '<h2>Memory</h2>\n<table>\n'
    printf '<thead><tr><th scope="col">Kind</th><th scope="col">MiB</th></tr></thead>\n<tbody>\n'
    while read -r name value rest; do
        case ${name%:} in
            MemTotal | MemFree | MemAvailable | Cached | SwapTotal | SwapFree)
                row "${name%:}" "$((value / 1024))"
                ;;
        esac
    done </proc/meminfo
    printf '</tbody>\n</table>\n'
}

report_network() {
    local interface
    printf '<h2>Network</h2>\n<table>\n'
    printf '<thead><tr><th scope="col">Interface</th><th scope="col">State</th>'
    printf '<th scope="col">MTU</th></tr></thead>\n<tbody>\n'
    for interface in /sys/class/net/*; do
        [[ -d $interface ]] || continue
        row "${interface##*/}" "$(first_line "$interface/operstate")" "$(first_line "$interface/mtu")"
    done
    printf '</tbody>\n</table>\n'
}

sections=(system memory network)
if (($# > 0)); then
    [[ $1 == --sections ]] || refuse "unexpected word: $1"
    shift
    (($# > 0)) || refuse '--sections takes at least one section'
    sections=("$@")
fi
for section in "${sections[@]}"; do
    [[ $section =~ ^(system|memory|network)$ ]] || refuse "unknown section: $section"
done

printf '<h1>Report of %s</h1>\n' "$(escape "$(uname -n)")"
printf '<p>Written on %s.</p>\n' "$(date -u '+%Y-%m-%d at %H:%M UTC')"
for section in "${sections[@]}"; do
    "report_$section"
done
