"""libcurl's errors in our words."""

import pytest

from delivery_service.domain.deliveries import DeliveryCause
from delivery_service.transport.failures import cause_of
from delivery_service.transport.libcurl import curl


@pytest.mark.parametrize(
    ("code", "text", "cause"),
    [
        (curl.E_OPERATION_TIMEDOUT, "Operation timed out after 1001 milliseconds", DeliveryCause.TIMEOUT),
        (curl.E_OPERATION_TIMEDOUT, "Connection timed out after 1001 milliseconds", DeliveryCause.TIMEOUT),
        (curl.E_OPERATION_TIMEDOUT, "Resolving timed out after 1001 milliseconds", DeliveryCause.DNS),
        (curl.E_COULDNT_RESOLVE_HOST, "Could not resolve host: x", DeliveryCause.DNS),
        (curl.E_COULDNT_CONNECT, "Failed to connect", DeliveryCause.CONNECTION),
        (curl.E_GOT_NOTHING, "Empty reply from server", DeliveryCause.CONNECTION),
        (curl.E_PARTIAL_FILE, "end of response with 97 bytes missing", DeliveryCause.CONNECTION),
        (curl.E_RECV_ERROR, "Recv failure: Connection reset by peer", DeliveryCause.CONNECTION),
        (curl.E_SEND_ERROR, "Send failure: Broken pipe", DeliveryCause.CONNECTION),
        (curl.E_RECV_ERROR, "chunk hex-length longer than 17", DeliveryCause.PROTOCOL),
        (curl.E_RECV_ERROR, "Too large response headers: 307223 > 307200", DeliveryCause.PROTOCOL),
        (curl.E_RECV_ERROR, "SSL routines::tlsv13 alert certificate required", DeliveryCause.TLS),
        (curl.E_SSL_CONNECT_ERROR, "TLS connect error", DeliveryCause.TLS),
        (curl.E_PEER_FAILED_VERIFICATION, "certificate has expired", DeliveryCause.TLS),
        (curl.E_SSL_CERTPROBLEM, "could not load PEM client certificate", DeliveryCause.TLS),
        (100, "Too many response headers, 5000 is max", DeliveryCause.PROTOCOL),
        (curl.E_UNSUPPORTED_PROTOCOL, "Received HTTP/0.9 when not allowed", DeliveryCause.PROTOCOL),
        (curl.E_URL_MALFORMAT, "Bad hostname", DeliveryCause.PROTOCOL),
    ],
)
def test_an_error_of_libcurl_has_a_cause(code: int, text: str, cause: DeliveryCause) -> None:
    """Where one code stands for several failures, libcurl's sentence decides."""
    assert cause_of(code, text) is cause
