import Hummingbird
import HummingbirdTLS
import Mustache
