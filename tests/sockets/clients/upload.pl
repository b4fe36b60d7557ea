# Uploads with HTTP::Tiny, which writes all before it reads: an URL, a framing and the length
# are given. Shows the status, or what went wrong.
use strict;
use warnings;
use HTTP::Tiny;

my ($url, $framing, $length) = @ARGV;
my $part = 'x' x (64 << 10);
my $left = $length / length $part;
# Chunked where no length is given.
my %headers = $framing eq 'length' ? ('Content-Length' => $length) : ();
my $response = HTTP::Tiny->new(timeout => 60)->request('PUT', $url, {
    headers => \%headers,
    content => sub { $left-- > 0 ? $part : '' },
});
# 599 stands for all that is no response, and the content tells what it was.
print $response->{status} == 599 ? $response->{content} : $response->{status}, "\n";
