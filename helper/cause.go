package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
)

// Problems are words that roost's preflight turns into reasons; they are stable.
const (
	problemRefused     = "Refused"
	problemTimeout     = "Timeout"
	problemUnreachable = "Unreachable"
	problemName        = "NameNotResolved"
	problemReset       = "ConnectionReset"
	problemAuthority   = "CertificateUnknown"
	problemExpired     = "CertificateExpired"
	problemCertName    = "CertificateNameMismatch"
	problemNoTLS       = "NotTLS"
	problemInUse       = "AddressInUse"
	problemNoAddress   = "AddressNotHere"
	problemDenied      = "Denied"
	problemDiskFull    = "DiskFull"
	problemReadOnly    = "ReadOnlyFileSystem"
	problemStatus      = "HTTPStatus"
	problemDigest      = "DigestMismatch"
	problemOther       = "Other"
)

type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("the server answered %d %s", e.status, e.text)
}

type digestError struct{ expected, found string }

func (e *digestError) Error() string {
	return fmt.Sprintf("expected sha256:%s, found sha256:%s", e.expected, e.found)
}

var errStalled = errors.New("nothing came for a while")

// cause names what went wrong, as a word for programs and a sentence for people.
func cause(err error) (string, string) {
	var (
		status    *statusError
		digest    *digestError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		name      *net.DNSError
		timeout   net.Error
	)
	switch {
	case errors.As(err, &status):
		return problemStatus, status.Error()
	case errors.As(err, &digest):
		return problemDigest, digest.Error()
	case errors.As(err, &authority):
		return problemAuthority, "its certificate is not signed by the given CA: something else answers there, or the CA is an old one"
	case errors.As(err, &hostname):
		return problemCertName, hostname.Error()
	case errors.As(err, &invalid):
		if invalid.Reason == x509.Expired {
			return problemExpired, "its certificate is expired or not yet valid by this machine's clock: " + invalid.Detail
		}
		return problemAuthority, invalid.Error()
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return problemNoTLS, "it does not speak TLS"
	case errors.As(err, &name):
		return problemName, name.Error()
	case errors.Is(err, syscall.ECONNREFUSED):
		return problemRefused, "connection refused: nothing listens there, or a firewall rejects"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return problemUnreachable, "no route to it"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return problemReset, "the connection was reset"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return problemDiskFull, "no space left on the disk"
	case errors.Is(err, syscall.EROFS):
		return problemReadOnly, "the file system is read-only"
	case errors.Is(err, syscall.EADDRINUSE):
		return problemInUse, "the address is in use"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return problemNoAddress, "this machine has no such address"
	case errors.Is(err, os.ErrPermission):
		return problemDenied, err.Error()
	case errors.Is(err, errStalled), errors.Is(err, context.DeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return problemTimeout, "no answer in time: packets may be dropped on the way"
	}
	return problemOther, err.Error()
}
