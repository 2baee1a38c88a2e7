#!/usr/bin/perl
# Makes random passwords.
#
# Usage: new_password.pl [--length N] [--count N] [--characters SET] [--readable]
#
#   --length N        characters of each password, 12 to 64 (default 20)
#   --count N         number of passwords, 1 to 20 (default 5)
#   --characters SET  all, alphanumeric or hexadecimal (default all)
#   --readable        without characters that are easily confused, such as l, 1 and I
#
# The random numbers come from the operating system.

use strict;
use warnings;
use Getopt::Long qw(GetOptions :config no_auto_abbrev no_ignore_case);

my @ALPHANUMERIC = ('a' .. 'z', 'A' .. 'Z', '0' .. '9');
my %SETS = (
    all          => [@ALPHANUMERIC, split //, '!#$%&*+,-./:;<=>?@^_~'],
    alphanumeric => [@ALPHANUMERIC],
    hexadecimal  => ['0' .. '9', 'a' .. 'f'],
);

sub refuse {
    my ($message) = @_;
    print STDERR "new_password: $message\n";
    exit 2;
}

# A number from 0 to $limit - 1, each equally likely: bytes that would favour
# the small numbers are thrown away.
sub random_below {
    my ($source, $limit) = @_;
    my $fair = 256 - 256 % $limit;
    while (1) {
        read($source, my $byte, 1) == 1 or die "new_password: cannot read random numbers: $!\n";
        my $number = ord $byte;
        return $number % $limit if $number < $fair;
    }
}

my ($length, $count, $set, $readable) = (20, 5, 'all', 0);
GetOptions(
    'length=i'     => \$length,
    'count=i'      => \$count,
    'characters=s' => \$set,
    'readable'     => \$readable,
) or exit 2;
refuse("unexpected word: $ARGV[0]") if @ARGV;
refuse('--length must be between 12 and 64') if $length < 12 || $length > 64;
refuse('--count must be between 1 and 20') if $count < 1 || $count > 20;
refuse('--characters must be one of ' . join(', ', sort keys %SETS)) if !exists $SETS{$set};

my @characters = @{ $SETS{$set} };
@characters = grep { !/[0O1lI|.,;:]/ } @characters if $readable && $set ne 'hexadecimal';

open my $source, '<:raw', '/dev/urandom'
    or die "new_password: cannot open the source of random numbers: $!\n";
for (1 .. $count) {
    print join('', map { $characters[random_below($source, scalar @characters)] } 1 .. $length), "\n";
}
close $source or die "new_password: cannot close the source of random numbers: $!\n";

my $bits = int($length * log(scalar @characters) / log 2);
print "\nEach password holds $bits bits of randomness.\n";
