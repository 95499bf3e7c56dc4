package ranks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"contig-gpu/data"
	"contig-gpu/data/input"
)

// A network is what listen needs of this host's.
type network struct {
	lookup func(ctx context.Context, host string) ([]net.IPAddr, error)
	listen func(kind, address string) (net.Listener, error)
}

func hostNetwork() network { return network{net.DefaultResolver.LookupIPAddr, net.Listen} }

// notYet is how long rank 0 waits before it asks again for a name or an address that may still come.
const notYet = 500 * time.Millisecond

// open opens rank 0's socket, until ctx ends: in a pod's first seconds DNS may not know its name yet, nor the host its address. A port that is in use
// stays so, and is said at once.
func (n network) open(ctx context.Context, asked, told string) (net.Listener, error) {
	if _, port, err := net.SplitHostPort(asked); err == nil {
		if _, err := net.DefaultResolver.LookupPort(ctx, "tcp", port); err != nil { // it looks like a host's name that is not known
			return nil, unreachable(asked, err)
		}
	}
	began, last := time.Now(), error(nil)
	for {
		l, at, err := n.try(ctx, asked, told)
		if err == nil {
			return l, nil
		}
		if ctx.Err() == nil || last == nil { // else it says only that the time is over
			last = err
		}
		var unknown *net.DNSError
		if !errors.As(err, &unknown) && !errors.Is(err, syscall.EADDRNOTAVAIL) {
			return nil, unreachable(at, err)
		}
		select {
		case <-ctx.Done():
			if context.Cause(ctx) != errDeadline {
				return nil, context.Cause(ctx)
			}
			p := unreachable(at, last)
			p.What += fmt.Sprintf(", tried for %v", time.Since(began).Round(time.Second))
			return nil, p
		case <-time.After(notYet):
		}
	}
}

// try opens the socket at the address that the others are told, so that nobody else can reach it, and returns where. Where the host's own name stands
// for itself alone, as in Debian's /etc/hosts, that is every address of the host.
func (n network) try(ctx context.Context, asked, told string) (net.Listener, string, error) {
	at := asked
	if at == "" {
		host, port, err := net.SplitHostPort(told)
		if err != nil {
			return nil, told, err
		}
		ips, err := n.lookup(ctx, host)
		if err != nil {
			return nil, told, err
		}
		if at = told; net.ParseIP(host) == nil && host != "localhost" && loopback(ips) {
			at = net.JoinHostPort("", port)
		}
	}
	l, err := n.listen("tcp", at)
	return l, at, err
}

func loopback(ips []net.IPAddr) bool {
	for _, ip := range ips {
		if !ip.IP.IsLoopback() {
			return false
		}
	}
	return true
}

func unreachable(address string, err error) *data.Problem {
	return &data.Problem{Code: codeMeeting, What: "rank 0 cannot listen at " + address, Err: err, Cause: "the port is in use, perhaps by an earlier run; the address is another host's; the name is not known here",
		Fix: "choose another port by MASTER_PORT; give MASTER_ADDR the name or address of rank 0's host, or --listen one of its own"}
}

// listenAnywhere opens a socket whose address MPI tells: a free port, of this host alone where all ranks are on it. It returns the addresses
// to try.
func listenAnywhere(asked string, oneHost bool) (net.Listener, []string, error) {
	at := asked
	if at == "" {
		if at = ":0"; oneHost {
			at = "127.0.0.1:0"
		}
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, nil, unreachable(at, err)
	}
	bound := l.Addr().(*net.TCPAddr)
	if !bound.IP.IsUnspecified() {
		return l, []string{bound.String()}, nil
	}
	addresses, err := own(fmt.Sprint(bound.Port))
	if err != nil {
		l.Close()
		return nil, nil, unreachable(at, err)
	}
	return l, addresses, nil
}

// mostAddresses bounds how many addresses of a host are told.
const mostAddresses = 16

// own returns this host's addresses towards others.
func own(port string) ([]string, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var addresses []string
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && len(addresses) < mostAddresses {
			addresses = append(addresses, net.JoinHostPort(n.IP.String(), port))
		}
	}
	if len(addresses) == 0 {
		return nil, fmt.Errorf("this host has no address that others could reach")
	}
	return addresses, nil
}

// secretEnv names the environment variable that holds the run's secret.
const secretEnv = "CONTIG_SECRET"

// secret returns what all ranks must know, of the file or the environment; nothing where there is neither.
func secret(o Options) ([]byte, error) {
	if o.SecretFile == "" {
		return []byte(strings.TrimSpace(o.Environment(secretEnv))), nil
	}
	text, err := input.Read(o.SecretFile, 1<<16)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(o.SecretFile)
	if err != nil {
		return nil, err
	}
	p := &data.Problem{Code: codeMeeting, File: o.SecretFile, Fix: "openssl rand -hex 16 > FILE; chmod 600 FILE"}
	if info.Mode().Perm()&0o007 != 0 {
		p.What, p.Found, p.Expected = "the secret's file may be read by everybody", info.Mode().String(), "-rw-------"
		return nil, p
	}
	word := strings.TrimSpace(string(text))
	if word == "" {
		p.What = "the secret's file is empty"
		return nil, p
	}
	return []byte(word), nil
}
