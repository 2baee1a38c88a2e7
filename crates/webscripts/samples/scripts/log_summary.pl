#!/usr/bin/perl
# Summarises the access log of a web server.
#
# Usage: log_summary.pl [--by FIELD] [--top N] < LOG
#
#   --by FIELD  address, path, status, method, hour or agent (default address)
#   --top N     number of rows, 1 to 1000 (default 10)
#
# Reads the common and the combined log format and prints CSV with the columns
# FIELD, requests, errors (status 400 and above), bytes and percent.

use strict;
use warnings;
use Getopt::Long qw(GetOptions :config no_auto_abbrev no_ignore_case);

my %FIELDS = map { $_ => 1 } qw(address path status method hour agent);

my $LINE = qr{
    ^ (?<address>\S+) \s \S+ \s \S+
    \s \[ [^:\]]+ : (?<hour>\d\d) : [^\]]+ \]
    \s " (?<method>[A-Z]+) \s (?<path>[^"\s?]+) [^"]* "
    \s (?<status>\d{3}) \s (?<bytes>\d+|-)
    (?: \s "[^"]*" \s "(?<agent>[^"]*)" )?
}x;

sub refuse {
    my ($code, $message) = @_;
    print STDERR "log_summary: $message\n";
    exit $code;
}

# A CSV field. A log is written by strangers: what a spreadsheet would take for
# a formula gets an apostrophe in front.
sub field {
    my ($text) = @_;
    $text = "'$text" if $text =~ /^[=+\-@\t]/;
    return $text if $text !~ /[",\r\n]/;
    $text =~ s/"/""/g;
    return qq("$text");
}

my ($by, $top) = ('address', 10);
GetOptions('by=s' => \$by, 'top=i' => \$top) or exit 2;
refuse(2, "unexpected word: $ARGV[0]") if @ARGV;
refuse(2, '--by must be one of ' . join(', ', sort keys %FIELDS)) if !$FIELDS{$by};
refuse(2, '--top must be between 1 and 1000') if $top < 1 || $top > 1000;

my (%rows, $requests, $lines);
($requests, $lines) = (0, 0);
while (my $line = <STDIN>) {
    next if $line !~ /\S/;
    $lines++;
    next if $line !~ $LINE;
    $requests++;
    my $key = $+{$by} // '(none)';
    my $row = $rows{$key} //= { requests => 0, errors => 0, bytes => 0 };
    $row->{requests}++;
    $row->{errors}++ if $+{status} >= 400;
    $row->{bytes} += $+{bytes} if $+{bytes} ne '-';
}

refuse(2, 'there is no line to read') if !$lines;
refuse(1, "none of the $lines lines is in the common or combined log format") if !$requests;

print join(',', $by, qw(requests errors bytes percent)), "\n";
my @keys = sort { $rows{$b}{requests} <=> $rows{$a}{requests} || $a cmp $b } keys %rows;
splice @keys, $top if @keys > $top;
for my $key (@keys) {
    my $row = $rows{$key};
    printf "%s,%d,%d,%d,%.1f\n", field($key), @{$row}{qw(requests errors bytes)},
        100 * $row->{requests} / $requests;
}

my $skipped = $lines - $requests;
print STDERR "log_summary: $skipped of $lines lines skipped: not in a known format\n" if $skipped;
