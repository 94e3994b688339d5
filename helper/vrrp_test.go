package main

import "testing"

func TestOnlyAdvertisementsAndOwnPacketsAreHeard(t *testing.T) {
	found := &overheard{peers: map[string]bool{}, other: map[heard]bool{}}
	own := append(append([]byte{}, magic...), "n1"...)
	found.take(own, own, "192.0.2.2")
	found.take(append(append([]byte{}, magic...), "n2"...), own, "192.0.2.3")
	found.take([]byte{0x21, 51, 100, 1, 1, 1, 0, 0}, own, "192.0.2.9")
	found.take([]byte{0x31, 7, 100, 1, 0, 100, 0, 0}, own, "192.0.2.8")
	found.take([]byte{0x21, 51}, own, "192.0.2.7")
	if !found.peers["192.0.2.2"] || len(found.peers) != 1 {
		t.Errorf("peers: %v", found.peers)
	}
	others := found.sorted()
	if len(others) != 2 || others[0].VRID != 7 || others[1].VRID != 51 || others[1].Source != "192.0.2.9" {
		t.Errorf("others: %v", others)
	}
}

func TestVrrpNeedsAnAddressAndANonce(t *testing.T) {
	if status, _, _ := call(t, "", "vrrp", "--own", "no", "192.0.2.2"); status != 2 {
		t.Errorf("status %d", status)
	}
}
