/// The process's exit codes, after sysexits.h. A stop by a signal is 130 or 143.
public enum Exit: Int32, Sendable {
  case usage = 64
  case data = 65
  case missingInput = 66
  case unavailable = 69
  case cannotCreate = 73
  case io = 74
}

/// An error of the world (files, media, checkpoints, absent devices), told to an artist.
///
/// A programmer's error (shapes, dtypes) traps instead.
public protocol Explained: Error {
  /// One sentence that names the thing and ends with what to do next.
  var sentence: String { get }
  var exit: Exit { get }
}
