import Foundation

/// The signal that asked the process to stop; 0 for none. Written by the handler only.
nonisolated(unsafe) private var received: Int32 = 0

/// An orderly stop: the first Ctrl-C or SIGTERM is remembered, so that a run saves and leaves; the second ends the
/// process at once.
enum Interruption {
  /// Whether a stop is waited for: the verb saves, then leaves.
  nonisolated(unsafe) private(set) static var isWatching = false

  /// Takes SIGINT and SIGTERM over, until the process ends.
  static func watch() {
    guard !isWatching else { return }
    isWatching = true
    unblock()
    for name in [SIGINT, SIGTERM] {
      signal(name) { name in
        if received != 0 { _exit(128 + name) }
        received = name
        // Only what is safe in a handler: a plain write.
        let words: StaticString = "\nStopping: saving first. Once more stops at once.\n"
        _ = write(2, words.utf8Start, words.utf8CodeUnitCount)
      }
    }
  }

  /// Lets the two signals through: a process that was started by a thread which blocks them, such as a server's, has
  /// them blocked, too.
  static func unblock() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for name in [SIGINT, SIGTERM] { sigaddset(&signals, name) }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// Whether a stop was asked for, or what is told can't be written any more.
  static var isRequested: Bool { received != 0 || Console.failure != nil }

  /// Leaves with the signal's exit code (130 or 143) when a stop was asked for.
  static func leaveIfRequested() {
    Console.leaveIfFailed()
    if received != 0 { exit(128 + received) }
  }
}
