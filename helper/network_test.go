package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func otherAuthority(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
}

func TestDialNamesEachTarget(t *testing.T) {
	open, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	closed, _ := net.Listen("tcp", "127.0.0.1:0")
	closed.Close()
	status, lines, _ := call(t, "", "dial", open.Addr().String(), closed.Addr().String(), "--timeout", "2s")
	if status != 1 || len(lines) != 2 {
		t.Fatalf("status %d, %v", status, lines)
	}
	if lines[0]["ok"] != true || lines[1]["problem"] != "Refused" {
		t.Errorf("unexpected %v", lines)
	}
}

func TestListenAcceptsUntilToldToStop(t *testing.T) {
	stop, cancel := context.WithCancel(context.Background())
	reader, writer := net.Pipe()
	done := make(chan bool)
	go func() {
		done <- listen(stop, []string{"127.0.0.1:0"}, "I am it", &reporter{stdout: writer, stderr: writer})
	}()
	line := make([]byte, 200)
	count, _ := reader.Read(line)
	_, rest, _ := strings.Cut(string(line[:count]), `"listen":"`)
	address, _, _ := strings.Cut(rest, `"`)
	if result := dial(address, time.Second, true); !result.OK || result.Banner != "I am it" {
		t.Errorf("could not dial %q: %v", address, result)
	}
	cancel()
	if !<-done {
		t.Error("ended badly")
	}
	if result := dial(address, time.Second, true); result.OK {
		t.Error("still listens after the end")
	}
}

func TestAListenerIsWellToHealthChecks(t *testing.T) {
	stop, cancel := context.WithCancel(context.Background())
	defer cancel()
	reader, writer := net.Pipe()
	go listen(stop, []string{"127.0.0.1:0"}, "I am it", &reporter{stdout: writer, stderr: writer})
	line := make([]byte, 200)
	count, _ := reader.Read(line)
	_, rest, _ := strings.Cut(string(line[:count]), `"listen":"`)
	address, _, _ := strings.Cut(rest, `"`)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for _, url := range []string{"http://" + address + "/healthz", "https://" + address + "/readyz"} {
		response, err := client.Get(url)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("%s: %v, %v", url, response, err)
		}
	}
	if result := dial(address, time.Second, true); result.Banner != "I am it" {
		t.Errorf("%v", result)
	}
}

func TestListenNamesATakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	status, lines, _ := call(t, "", "listen", taken.Addr().String(), "--for", "1ms")
	if status != 1 || lines[0]["problem"] != "AddressInUse" {
		t.Errorf("status %d, %v", status, lines)
	}
}

func TestHTTPCheckNamesTheProblem(t *testing.T) {
	url, ca := site(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			http.Error(w, "no", http.StatusServiceUnavailable)
		}
	})
	other := filepath.Join(t.TempDir(), "other.pem")
	if err := os.WriteFile(other, []byte(otherAuthority(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for _, each := range []struct{ url, ca, problem string }{
		{url + "/v2/", ca, ""},
		{url + "/down", ca, "HTTPStatus"},
		{url + "/v2/", other, "CertificateUnknown"},
		{strings.Replace(url, "127.0.0.1", "localhost", 1) + "/v2/", ca, "CertificateNameMismatch"},
		{strings.Replace(plain.URL, "http:", "https:", 1), ca, "NotTLS"},
	} {
		status, lines, _ := call(t, "", "http-check", each.url, "--ca", each.ca)
		problem, _ := lines[0]["problem"].(string)
		if problem != each.problem || (status == 0) != (each.problem == "") {
			t.Errorf("%s: status %d, %v; expected %q", each.url, status, lines, each.problem)
		}
	}
}

func TestLinesOfParallelItemsStayWhole(t *testing.T) {
	var out bytes.Buffer
	report := &reporter{stdout: &out}
	done := make(chan struct{})
	for range 8 {
		go func() {
			for range 100 {
				report.line(dialled{Target: "t"})
			}
			done <- struct{}{}
		}()
	}
	for range 8 {
		<-done
	}
	if lines := strings.Count(out.String(), "\n"); lines != 800 {
		t.Errorf("%d lines", lines)
	}
}
