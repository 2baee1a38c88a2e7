#!/usr/bin/perl
# Shows the plan of a key rotation: an example of a script that asks before it runs.
#
# Usage: rotate_keys.pl ENVIRONMENT --reason TEXT [--grace-hours N] [--keys KEY...]
#
#   ENVIRONMENT      staging or production
#   --reason TEXT    why, 10 to 200 characters; for the record
#   --grace-hours N  how long the old keys stay valid, 0 to 168 (default 24)
#   --keys KEY...    api, signing, storage or tls (default all)
#
# It changes nothing.

use strict;
use warnings;
use Getopt::Long qw(GetOptions :config no_auto_abbrev no_ignore_case);

my @KEYS = qw(api signing storage tls);
my %ENVIRONMENTS = map { $_ => 1 } qw(staging production);

sub refuse {
    my ($message) = @_;
    print STDERR "rotate_keys: $message\n";
    exit 2;
}

my ($reason, $grace_hours, @keys);
GetOptions('reason=s' => \$reason, 'grace-hours=i' => \$grace_hours, 'keys=s{1,}' => \@keys)
    or exit 2;
$grace_hours //= 24;
@keys = @KEYS if !@keys;

my $environment = shift @ARGV // '';
refuse('name an environment: staging or production') if !$ENVIRONMENTS{$environment};
refuse("unexpected word: $ARGV[0]") if @ARGV;
refuse('--grace-hours must be between 0 and 168') if $grace_hours < 0 || $grace_hours > 168;
refuse('--reason must have 10 to 200 characters')
    if !defined $reason || $reason !~ /^[^\r\n]{10,200}$/;
for my $key (@keys) {
    refuse("unknown key: $key") if !grep { $_ eq $key } @KEYS;
}

print "Environment  $environment\n";
print "Reason       $reason\n\n";
for my $key (@keys) {
    printf "%-19s make a new key, use it, %s\n", "$environment/$key",
        $grace_hours ? "withdraw the old one after $grace_hours h" : 'withdraw the old one at once';
}
print "\nThis sample only shows the plan: no key was changed.\n";
