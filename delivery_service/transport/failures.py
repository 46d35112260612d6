"""libcurl's error codes in our words."""

from typing import Final

from delivery_service.domain.deliveries import DeliveryCause
from delivery_service.transport.libcurl import curl

# The body went over the cap: the answer's status stands.
CAPPED: Final = curl.E_WRITE_ERROR

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
    ),
    DeliveryCause.PROTOCOL: (
        curl.E_UNSUPPORTED_PROTOCOL,
        curl.E_URL_MALFORMAT,
        curl.E_FTP_WEIRD_SERVER_REPLY,  # its modern name is CURLE_WEIRD_SERVER_REPLY
        curl.E_BAD_CONTENT_ENCODING,
        curl.E_HTTP2,
    ),
}
_BY_CODE: Final = {code: cause for cause, codes in _CAUSES.items() for code in codes}


def cause_of(code: int) -> DeliveryCause:
    """Return the cause of a libcurl error; what is not DNS, TLS, time or protocol is the connection."""
    return _BY_CODE.get(code, DeliveryCause.CONNECTION)
