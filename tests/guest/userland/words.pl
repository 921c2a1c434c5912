# SPDX-License-Identifier: GPL-2.0-or-later
use strict;
use warnings;
use Digest::MD5 'md5_hex';
use List::Util qw(sum max reduce);

my %count;
my $seed = 12345;
for (1 .. 30000) {
    $seed = ($seed * 1103515245 + 12345) % 2147483648;
    $count{join '', map { chr(97 + ($seed >> $_) % 5) } 3, 9, 17}++;
}
my @words = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
print "perl words ", scalar(@words), " $words[0] $count{$words[0]} ", md5_hex(join ',', @words), "\n";
my $text = join ' ', @words;
my $changes = ($text =~ s/\b(\w)(\w)\w\b/\u$2$1/g);
printf "perl text %d %s %.15g\n", $changes, md5_hex($text), sum(map { sqrt($_) * 1.1 } values %count);
print "perl pack ", unpack('H*', pack('w d< n V q>', 1 << 40, -2.5e-7, 513, 4e9, -3)), "\n";
print "perl sprintf ", join(' ', map { sprintf '%e %g %.3f %x %o', $_ / 7, $_ * 1e10, $_ / 3, $_, $_ } 1 .. 5), "\n";
