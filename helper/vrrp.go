package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

// heard is one line of `vrrp`: a peer whose packets arrive (or don't), or somebody else who speaks VRRP here.
type heard struct {
	Peer   string `json:"peer,omitempty"`
	OK     bool   `json:"ok"`
	Source string `json:"source,omitempty"`
	VRID   int    `json:"vrid,omitempty"`
	Error  string `json:"error,omitempty"`
}

var (
	vrrpGroup  = [4]byte{224, 0, 0, 18}
	vrrpGroup6 = [16]byte{0: 0xff, 1: 0x02, 15: 0x12}
)

// magic begins with a version of VRRP that does not exist, so that nobody takes the packet for an advertisement.
var magic = []byte("\x00roost-probe ")

// vrrpVerb shows whether packets of IP protocol 112 pass between machines, and which virtual routers are spoken of
// on this network already. Run on all machines at once with the same nonce.
func vrrpVerb(arguments []string, _ io.Reader, report *reporter) (bool, error) {
	flags := flag.NewFlagSet("vrrp", flag.ContinueOnError)
	own := flags.String("own", "", "")
	nonce := flags.String("nonce", "", "")
	span := flags.Duration("for", 4*time.Second, "")
	peers, err := parse(flags, arguments)
	if err != nil {
		return false, err
	}
	address := net.ParseIP(*own)
	if address == nil || *nonce == "" {
		return false, fmt.Errorf("%w: --own ADDRESS and --nonce TEXT are needed", errUsage)
	}
	network, every := "ip4:112", "0.0.0.0"
	if address.To4() == nil {
		network, every = "ip6:112", "::"
	}
	connection, err := net.ListenPacket(network, every)
	if err != nil {
		return false, err
	}
	defer connection.Close()
	// A machine with several addresses sends from the one by which its peers know it, as keepalived does.
	sender, err := net.ListenPacket(network, *own)
	if err != nil {
		return false, err
	}
	defer sender.Close()
	// Without the group only what is sent to this machine alone is heard; that is told as it is.
	if err := join(connection, address); err != nil {
		report.line(heard{Error: "can't join the group of VRRP: " + err.Error()})
	}
	stop, cancel := context.WithTimeout(context.Background(), *span)
	defer cancel()
	go shout(stop, sender, peers, append(append([]byte{}, magic...), *nonce...))
	found := listenFor(stop, connection, append(append([]byte{}, magic...), *nonce...))
	well := true
	for _, peer := range peers {
		report.line(heard{Peer: peer, OK: found.peers[peer]})
		well = well && found.peers[peer]
	}
	for _, other := range found.sorted() {
		report.line(other)
	}
	return well, nil
}

func join(connection net.PacketConn, address net.IP) error {
	raw, err := connection.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if four := address.To4(); four != nil {
		request := &syscall.IPMreq{Multiaddr: vrrpGroup, Interface: [4]byte(four)}
		err = raw.Control(func(descriptor uintptr) {
			failed = syscall.SetsockoptIPMreq(int(descriptor), syscall.IPPROTO_IP, syscall.IP_ADD_MEMBERSHIP, request)
		})
	} else {
		index, missing := interfaceOf(address)
		if missing != nil {
			return missing
		}
		request := &syscall.IPv6Mreq{Multiaddr: vrrpGroup6, Interface: index}
		err = raw.Control(func(descriptor uintptr) {
			failed = syscall.SetsockoptIPv6Mreq(int(descriptor), syscall.IPPROTO_IPV6, syscall.IPV6_JOIN_GROUP, request)
		})
	}
	if err != nil {
		return err
	}
	return failed
}

// interfaceOf gives the index of the device that holds the address.
func interfaceOf(address net.IP) (uint32, error) {
	devices, err := net.Interfaces()
	if err != nil {
		return 0, err
	}
	for _, device := range devices {
		held, _ := device.Addrs()
		for _, each := range held {
			if network, ok := each.(*net.IPNet); ok && network.IP.Equal(address) {
				return uint32(device.Index), nil
			}
		}
	}
	return 0, fmt.Errorf("no device holds %s", address)
}

func shout(stop context.Context, connection net.PacketConn, peers []string, packet []byte) {
	for {
		for _, peer := range peers {
			// A peer that can't be reached is one that hears nothing, which it tells itself.
			_, _ = connection.WriteTo(packet, &net.IPAddr{IP: net.ParseIP(peer)})
		}
		select {
		case <-stop.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

type overheard struct {
	lock  sync.Mutex
	peers map[string]bool
	other map[heard]bool
}

func listenFor(stop context.Context, connection net.PacketConn, packet []byte) *overheard {
	found := &overheard{peers: map[string]bool{}, other: map[heard]bool{}}
	deadline, _ := stop.Deadline()
	_ = connection.SetReadDeadline(deadline)
	buffer := make([]byte, 2048)
	for {
		count, from, err := connection.ReadFrom(buffer)
		if err != nil {
			return found
		}
		source, _, _ := strings.Cut(from.String(), "%")
		found.take(buffer[:count], packet, source)
	}
}

func (o *overheard) take(content, packet []byte, source string) {
	o.lock.Lock()
	defer o.lock.Unlock()
	switch {
	case bytes.Equal(content, packet):
		o.peers[source] = true
	case len(content) >= 8 && (content[0]>>4 == 2 || content[0]>>4 == 3) && content[0]&0x0f == 1:
		o.other[heard{Source: source, VRID: int(content[1]), OK: true}] = true
	}
}

func (o *overheard) sorted() []heard {
	var all []heard
	for each := range o.other {
		all = append(all, each)
	}
	sort.Slice(all, func(i, j int) bool {
		return all[i].Source < all[j].Source || all[i].Source == all[j].Source && all[i].VRID < all[j].VRID
	})
	return all
}
