"""libcurl's error codes in our words."""

from typing import Final

from delivery_service.domain.deliveries import DeliveryCause
from delivery_service.transport.libcurl import curl

# The body went over the cap: the answer's status stands.
CAPPED: Final = curl.E_WRITE_ERROR

_TOO_LARGE: Final = 100
"""Too many or too long headers; pycurl has no name for it."""

_CAUSES: Final = {
    DeliveryCause.TIMEOUT: (curl.E_OPERATION_TIMEDOUT,),
    DeliveryCause.DNS: (curl.E_COULDNT_RESOLVE_HOST,),
    DeliveryCause.TLS: (
        curl.E_SSL_CONNECT_ERROR,
        curl.E_PEER_FAILED_VERIFICATION,
        curl.E_SSL_CERTPROBLEM,
        curl.E_SSL_CIPHER,
        curl.E_SSL_CACERT_BADFILE,
        curl.E_SSL_CRL_BADFILE,
        curl.E_SSL_ISSUER_ERROR,
        curl.E_SSL_INVALIDCERTSTATUS,
        curl.E_SSL_ENGINE_INITFAILED,
        curl.E_USE_SSL_FAILED,
        curl.E_BAD_FUNCTION_ARGUMENT,  # a client's key that does not fit its certificate
    ),
    DeliveryCause.PROTOCOL: (
        curl.E_UNSUPPORTED_PROTOCOL,
        curl.E_URL_MALFORMAT,
        curl.E_FTP_WEIRD_SERVER_REPLY,  # its modern name is CURLE_WEIRD_SERVER_REPLY
        curl.E_BAD_CONTENT_ENCODING,
        curl.E_HTTP2,
        _TOO_LARGE,
    ),
}
_BY_CODE: Final = {code: cause for cause, codes in _CAUSES.items() for code in codes}


# These two stand for whatever went wrong on the connection; only libcurl's sentence says more.
_ON_THE_CONNECTION: Final = (curl.E_SEND_ERROR, curl.E_RECV_ERROR)


def cause_of(code: int, text: str = "") -> DeliveryCause:
    """Return the cause of a libcurl error; what is not DNS, TLS, time or protocol is the connection."""
    if code in _ON_THE_CONNECTION:
        return _on_the_connection(text)
    if code == curl.E_OPERATION_TIMEDOUT and text.startswith("Resolving"):
        return DeliveryCause.DNS
    return _BY_CODE.get(code, DeliveryCause.CONNECTION)


def _on_the_connection(text: str) -> DeliveryCause:
    # With TLS 1.3 a receiver refuses our certificate only after the handshake.
    if " alert " in text:
        return DeliveryCause.TLS
    if text.startswith("chunk") or "response headers" in text:
        return DeliveryCause.PROTOCOL
    return DeliveryCause.CONNECTION
