package ranks

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"contig-gpu/data"
	"contig-gpu/data/input"
)

// listen opens rank 0's socket: at the address that the others are told, so that nobody else can reach it. Where the host's own name stands
// for itself alone, as in Debian's /etc/hosts, that is every address of the host.
func listen(ctx context.Context, asked, told string) (net.Listener, error) {
	at := asked
	if at == "" {
		host, port, err := net.SplitHostPort(told)
		if err != nil {
			return nil, unreachable(told, err)
		}
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
		if err != nil {
			return nil, unreachable(told, err)
		}
		if at = told; net.ParseIP(host) == nil && host != "localhost" && loopback(ips) {
			at = net.JoinHostPort("", port)
		}
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, unreachable(at, err)
	}
	return l, nil
}

func loopback(ips []net.IPAddr) bool {
	for _, ip := range ips {
		if !ip.IP.IsLoopback() {
			return false
		}
	}
	return true
}

func unreachable(address string, err error) error {
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
