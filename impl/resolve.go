package impl

import (
	"cmp"
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"

	"cutthrough/impl/wire"
)

// Resolve returns the endpoint that an address of [Listen], if listen is set, or of [Dialer] means. No name is looked
// up and no file is touched. The networks are those of package net:
//
//   - "tcp", "tcp4" and "tcp6" take HOST:PORT with a number for the port, which is 0 if it is empty. HOST is an IP
//     address or "localhost". Empty, it is the wildcard (of IPv4, unless the network is tcp6), and a dial takes each
//     wildcard as loopback. Any other HOST is a name of its own: a dial of "db:80" reaches what listens at "db:80", in
//     whatever case.
//   - "unix" takes a name, such as "/run/service", "@service" or "service". A leading NUL is the same as "@", and a
//     name from "/" on is cleaned as [path.Clean] does: "///run/service" is the same path to the system, too.
//   - "" finds out: "unix:NAME", "unix://NAME", "unix-abstract:NAME" and what starts with "/", "." or "@" is "unix",
//     HOST:PORT is "tcp", and the rest are names of "unix". Dialers of grpc get such addresses.
//
// Each but unix takes also the URI of its endpoints, "tcp://127.0.0.1/80", and "udp" takes nothing else. An error is a
// [*net.AddrError] or a [net.UnknownNetworkError].
func Resolve(network, address string, listen bool) (wire.Endpoint, error) {
	if network == "" {
		network, address = inferNetwork(address)
	}
	e, err := parseAddress(network, address)
	if err != nil {
		return wire.Endpoint{}, err
	}
	host := e.Addr.Addr()
	switch {
	case network == "tcp4" && host.Is6() || network == "tcp6" && host.Is4():
		return wire.Endpoint{}, &net.AddrError{Err: "no suitable address found", Addr: address}
	case listen || !host.IsUnspecified():
	case host.Is4():
		e.Addr = netip.AddrPortFrom(loopback4(), e.Addr.Port())
	default:
		e.Addr = netip.AddrPortFrom(netip.IPv6Loopback(), e.Addr.Port())
	}
	return e, nil
}

// inferNetwork returns the network of an address that comes without one, and the address in the form of that network.
func inferNetwork(address string) (network, rest string) {
	if rest, ok := strings.CutPrefix(address, "unix-abstract:"); ok {
		return "unix", "@" + rest
	}
	if rest, ok := strings.CutPrefix(address, "unix:"); ok {
		return "unix", strings.TrimPrefix(rest, "//")
	}
	if scheme, _, ok := strings.Cut(address, "://"); ok {
		return scheme, address
	}
	if _, _, err := net.SplitHostPort(address); err != nil || strings.ContainsAny(address[:1], "/.@\x00") {
		return "unix", address
	}
	return "tcp", address
}

// parseAddress returns the endpoint of an address, with the wildcards that it has.
func parseAddress(network, address string) (wire.Endpoint, error) {
	bad := func(why string) (wire.Endpoint, error) {
		return wire.Endpoint{}, &net.AddrError{Err: why, Addr: address}
	}
	var e wire.Endpoint
	switch network {
	case "tcp", "tcp4", "tcp6", "udp":
		if strings.Contains(address, "://") || network == "udp" {
			uri, err := wire.ParseURI(address)
			if err != nil || uri.Proto.String() != network[:3] {
				return bad("not a URI of an endpoint of " + network)
			}
			return uri, nil
		}
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return wire.Endpoint{}, err
		}
		n, err := strconv.ParseUint(cmp.Or(port, "0"), 10, 16)
		if err != nil {
			return bad("invalid port")
		}
		e = hostEndpoint(network, host).WithPort(uint16(n))
	case "unix":
		e = wire.Endpoint{Proto: wire.Unix, Name: address}
		if rest, ok := strings.CutPrefix(address, "\x00"); ok {
			e.Name = "@" + rest
		} else if path.IsAbs(address) {
			e.Name = path.Clean(address)
		}
	default:
		return wire.Endpoint{}, net.UnknownNetworkError(network)
	}
	if err := e.Check(); err != nil {
		return bad(err.Error())
	}
	return e, nil
}

// hostEndpoint returns the endpoint of a host, without a port.
func hostEndpoint(network, host string) wire.Endpoint {
	host = strings.ToLower(host)
	var ip netip.Addr
	switch parsed, err := netip.ParseAddr(host); {
	case err == nil:
		ip = parsed.Unmap()
	case host == "" && network == "tcp6":
		ip = netip.IPv6Unspecified()
	case host == "":
		ip = netip.IPv4Unspecified()
	case host == "localhost" && network == "tcp6":
		ip = netip.IPv6Loopback()
	case host == "localhost":
		ip = loopback4()
	default:
		return wire.Endpoint{Proto: wire.TCP, Name: host}
	}
	return wire.Endpoint{Proto: wire.TCP, Addr: netip.AddrPortFrom(ip, 0)}
}

func loopback4() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }
