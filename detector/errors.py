"""The roots of all that can go wrong outside this program: image, file, settings, model server.

`str(error)` says what was wrong: what was expected and what came. `error.hint` says what to do.
"""

from detector.printable import printable
from detector.translation import english, noted


class LensError(Exception):
    """An error that a reader can act on. Never raised itself."""

    hint: str = ""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(printable(message))
        self._in_english = printable(english(message)), printable(english(hint))
        if hint:
            self.hint = printable(hint)

    @property
    def in_english(self) -> tuple[str, str]:
        """What was wrong and what to do, as files say it, whatever language the reader speaks."""
        message, hint = self._in_english
        return message, hint or type(self).hint


class ImageError(LensError):
    """What the visitor gave us is not an image that we can use."""

    hint = noted("Use a JPEG, PNG, WebP, BMP, TIFF, GIF, HEIC or AVIF image.")


class ConfigError(LensError, ValueError):
    """A setting in the environment or in the secrets file has no usable value."""

    hint = noted("Correct the setting; the README's table names all of them and their defaults.")


class GroundTruthError(LensError):
    """A ground-truth file cannot be read, or nothing in it can be used."""

    hint = noted(
        "Use COCO, Pascal VOC, YOLO, CVAT, labelme or Label Studio, made for these images and "
        "labels."
    )


class ResultsError(LensError):
    """A file of another detector's results cannot be read, or nothing in it can be used."""

    hint = noted(
        "Use COCO results (JSON), YOLO texts with confidences, or a CSV with image, label, score, "
        "xmin, ymin, xmax and ymax."
    )


class ThresholdsError(LensError):
    """A file of thresholds cannot be read, or does not fit the model's labels."""

    hint = noted("Use a thresholds.json that was saved for a model with these labels.")


class ServingError(LensError):
    """The model server gave no usable answer. One subclass for each thing a reader can act on."""


class ServerUnavailableError(ServingError):
    """Nobody answers at the address (UNAVAILABLE)."""

    hint = noted(
        "Check the address and that the model server is running there; the next try connects anew."
    )


class AccessDeniedError(ServingError):
    """The server lets nobody in, or not this client (UNAUTHENTICATED, PERMISSION_DENIED)."""

    hint = noted(
        "Give the client's certificate and key, or let the server's administrator admit you."
    )


class NotAModelServerError(ServingError):
    """Something answers at the address, but not as TensorFlow Serving does (UNIMPLEMENTED)."""

    hint = noted(
        "Another gRPC service listens there. TensorFlow Serving's gRPC port is 8500 by default."
    )


class ServerFaultError(ServingError):
    """The server failed inside while it worked on the call (INTERNAL, UNKNOWN and the like)."""

    hint = noted("Try again; if it stays, read the server's log: the fault is at its side.")


class ServerTimeoutError(ServingError):
    """The answer did not come before the deadline (DEADLINE_EXCEEDED)."""

    hint = noted("The server may be busy: try again, or raise the time limit.")


class ModelNotFoundError(ServingError):
    """The server does not serve that model, version or version label (NOT_FOUND)."""

    hint = noted(
        "Check the model's name and version against those that the server was started with."
    )


class SignatureError(ServingError):
    """The model has no such signature, input or output (FAILED_PRECONDITION, INVALID_ARGUMENT)."""

    hint = noted("Check the names of signature, input and output against the model's metadata.")


class RequestTooLargeError(ServingError):
    """A message is larger than a side accepts (RESOURCE_EXHAUSTED)."""

    hint = noted("Send fewer images in one request, or raise the message limits on both sides.")


class ServerBusyError(ServingError):
    """The server is reached, but has no room for the call now (RESOURCE_EXHAUSTED, UNAVAILABLE)."""

    hint = noted("Try again in a moment, or send fewer images at once.")


class OutputError(ServingError):
    """The server answered, but not with the output of an SSD of this many classes."""

    hint = noted(
        "Check that the labels file has one line for each class of the model, background first."
    )


class ServerStartError(ServingError):
    """The embedded model server could not be started."""

    hint = noted("Read the server's last lines; `make install` repairs a broken installation.")
