package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// site serves content under every path, over TLS, and gives the file of its CA.
func site(t *testing.T, handler http.HandlerFunc) (string, string) {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
	if err := os.WriteFile(ca, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return server.URL, ca
}

func serve(content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}
}

// call runs the program with its arguments; it gives the exit status, the lines of stdout and stderr.
func call(t *testing.T, stdin string, arguments ...string) (int, []map[string]any, string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run(arguments, strings.NewReader(stdin), &stdout, &stderr)
	var lines []map[string]any
	for _, line := range strings.Split(strings.TrimSpace(stdout.String()), "\n") {
		if line == "" {
			continue
		}
		var parsed map[string]any
		if err := json.Unmarshal([]byte(line), &parsed); err != nil {
			t.Fatalf("stdout has a line that is not JSON: %q", line)
		}
		lines = append(lines, parsed)
	}
	return status, lines, stderr.String()
}

func TestFetchesAListInParallelAndAgainWithoutBytes(t *testing.T) {
	content := bytes.Repeat([]byte("roost"), 100_000)
	var asked atomic.Int32
	url, ca := site(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		serve(content)(w, r)
	})
	folder := t.TempDir()
	var list strings.Builder
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		list.WriteString(url + "/" + name + "\t" + digestOf(content) + "\t" + filepath.Join(folder, name) + "\n")
	}
	status, lines, stderr := call(t, list.String(), "fetch", "--ca", ca, "--list", "-", "--jobs", "3")
	if status != 0 || len(lines) != 5 || stderr != "" {
		t.Fatalf("status %d, lines %v, stderr %q", status, lines, stderr)
	}
	for _, line := range lines {
		if line["status"] != "fetched" || line["bytes"] != float64(len(content)) {
			t.Errorf("unexpected line %v", line)
		}
	}
	if got, _ := os.ReadFile(filepath.Join(folder, "c")); !bytes.Equal(got, content) {
		t.Error("c has other bytes")
	}
	status, lines, _ = call(t, list.String(), "fetch", "--ca", ca, "--list", "-")
	if status != 0 || lines[0]["status"] != "present" || asked.Load() != 5 {
		t.Errorf("a second run asked again: status %d, %v, %d requests", status, lines[0], asked.Load())
	}
}

func TestResumesAPartialFile(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 1000)
	var ranges []string
	url, ca := site(t, func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range"))
		serve(content)(w, r)
	})
	out := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(out+".part", content[:4000], 0o600); err != nil {
		t.Fatal(err)
	}
	status, lines, _ := call(t, "", "fetch", url+"/x", "--ca", ca, "--sha256", digestOf(content), "--out", out)
	if status != 0 || lines[0]["resumed"] != float64(4000) || ranges[0] != "bytes=4000-" {
		t.Errorf("status %d, %v, ranges %v", status, lines, ranges)
	}
	if _, err := os.Stat(out + ".part"); !os.IsNotExist(err) {
		t.Error("the partial file stayed")
	}
}

func TestDropsAWrongPartialFileAndStartsAgain(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 1000)
	url, ca := site(t, serve(content))
	out := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(out+".part", bytes.Repeat([]byte("x"), 500), 0o600); err != nil {
		t.Fatal(err)
	}
	status, lines, _ := call(t, "", "fetch", url+"/x", "--ca", ca, "--sha256", digestOf(content), "--out", out)
	if status != 0 || lines[0]["resumed"] != float64(0) {
		t.Errorf("status %d, %v", status, lines)
	}
}

func TestRefusesWrongBytes(t *testing.T) {
	url, ca := site(t, serve([]byte("other")))
	out := filepath.Join(t.TempDir(), "out")
	expected := digestOf([]byte("wanted"))
	status, lines, stderr := call(
		t, "", "fetch", url+"/x", "--ca", ca, "--sha256", expected, "--out", out, "--attempts", "1")
	if status != 1 || lines[0]["problem"] != "DigestMismatch" {
		t.Errorf("status %d, %v", status, lines)
	}
	if !strings.Contains(stderr, url+"/x") || !strings.Contains(stderr, expected) {
		t.Errorf("stderr names neither URL nor digest: %q", stderr)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Error("wrong bytes got the final name")
	}
}

func TestTrustsThePinnedAuthorityAlone(t *testing.T) {
	url, _ := site(t, serve([]byte("x")))
	_, other := site(t, serve([]byte("x")))
	// httptest gives every server the same certificate, so another authority is made up here.
	if err := os.WriteFile(other, []byte(otherAuthority(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	status, lines, _ := call(t, "", "fetch", url+"/x", "--ca", other, "--sha256", digestOf([]byte("x")), "--out", out)
	if status != 1 || lines[0]["problem"] != "CertificateUnknown" {
		t.Errorf("status %d, %v", status, lines)
	}
}

func TestAnswersOtherThanTheFileAreErrors(t *testing.T) {
	url, ca := site(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/redirect" {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			return
		}
		http.Error(w, "no", http.StatusNotFound)
	})
	for _, path := range []string{"/missing", "/redirect"} {
		out := filepath.Join(t.TempDir(), "out")
		status, lines, _ := call(t, "", "fetch", url+path, "--ca", ca, "--sha256", digestOf(nil), "--out", out)
		if status != 1 || lines[0]["problem"] != "HTTPStatus" {
			t.Errorf("%s: status %d, %v", path, status, lines)
		}
	}
}

func TestGoesOnAfterABrokenConnection(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 100_000)
	var asked atomic.Int32
	url, ca := site(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			w.Header().Set("Content-Length", "1000000")
			w.Write(content[:300_000])
			panic(http.ErrAbortHandler)
		}
		serve(content)(w, r)
	})
	out := filepath.Join(t.TempDir(), "out")
	status, lines, _ := call(t, "", "fetch", url+"/x", "--ca", ca, "--sha256", digestOf(content), "--out", out)
	if status != 0 || lines[0]["resumed"] == float64(0) {
		t.Errorf("status %d, %v after %d requests", status, lines, asked.Load())
	}
}

func TestWrongUsage(t *testing.T) {
	for _, arguments := range [][]string{
		{}, {"fly"}, {"fetch"}, {"fetch", "--list", "-", "--jobs", "0"}, {"dial"}, {"listen"}, {"http-check"},
		{"fetch", "--list", "-"}, {"dial", "--nonsense"},
	} {
		if status, _, stderr := call(t, "not a list", arguments...); status != 2 || stderr == "" {
			t.Errorf("%v: status %d, stderr %q", arguments, status, stderr)
		}
	}
}
