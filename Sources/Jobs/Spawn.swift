import Files
import Foundation
import Synchronization

/// A pipe that is being made must not get into a process that is being started: its other end would never come to an end.
private let starting = Mutex(())

/// A pipe that no other process has.
///
/// - Throws: `FileTrouble`.
public func privatePipe() throws(FileTrouble) -> (from: Int32, to: Int32) {
  var ends: [Int32] = [0, 0]
  let isMade = starting.withLock { _ in
    guard pipe(&ends) == 0 else { return false }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return true
  }
  guard isMade else { throw FileTrouble.last("a pipe") }
  return (ends[0], ends[1])
}

#if os(Linux)
  /// glibc 2.34 has it, and hides it from Swift.
  private nonisolated(unsafe) let closeFrom = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np").map {
    unsafeBitCast($0, to: (@convention(c) (UnsafeMutableRawPointer, Int32) -> Int32).self)
  }

  /// Where it isn't there: all that is open now.
  private func keepOpenFilesPrivate() {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
      if let file = Int32(name), file > 2 { _ = fcntl(file, F_SETFD, FD_CLOEXEC) }
    }
  }
#endif

/// Starts a program. Arguments are an array from end to end: no shell reads them.
///
/// - Parameters:
///   - arguments: after the program's own name.
///   - environment: added to this process's.
///   - input, output, errors: descriptors that become standard input, output and error; nil for nowhere.
///   - isSession: in a session of its own, so that closing a terminal doesn't reach it.
/// - Returns: its process number.
/// - Throws: `JobError.cannotStart`.
public func spawn(
  _ program: String, _ arguments: [String], environment: [String: String] = [:], input: Int32? = nil, output: Int32?,
  errors: Int32?,
  isSession: Bool
) throws(JobError) -> pid_t {
  #if os(Linux)
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
  #else
    var actions: posix_spawn_file_actions_t?
    var attributes: posix_spawnattr_t?
  #endif
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  if let input {
    posix_spawn_file_actions_adddup2(&actions, input, 0)
  } else {
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
  }
  for (descriptor, target) in [(output, Int32(1)), (errors, 2)] {
    if let descriptor {
      posix_spawn_file_actions_adddup2(&actions, descriptor, target)
    } else {
      posix_spawn_file_actions_addopen(&actions, target, "/dev/null", O_WRONLY, 0)
    }
  }
  #if os(Linux)
    // The server's sockets are its own: a process that kept them would hold its port after it has ended. (macOS has a flag, below.)
    if let closeFrom { _ = closeFrom(&actions, 3) } else { keepOpenFilesPrivate() }
  #endif
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  // A server's threads block signals, and ignored ones stay ignored: a verb has to hear Ctrl-C.
  var none = sigset_t(), all = sigset_t()
  sigemptyset(&none)
  sigfillset(&all)
  posix_spawnattr_setsigmask(&attributes, &none)
  posix_spawnattr_setsigdefault(&attributes, &all)
  var flags = Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF)
  #if os(Linux)
    // glibc has POSIX_SPAWN_SETSID as a macro that Swift doesn't see.
    if isSession { flags |= 0x80 }
  #else
    flags |= Int16(POSIX_SPAWN_CLOEXEC_DEFAULT)
    if isSession { flags |= Int16(POSIX_SPAWN_SETSID) }
  #endif
  posix_spawnattr_setflags(&attributes, flags)

  let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
  let argv = ([program] + arguments).map { strdup($0) } + [nil]
  let envp = variables.map { strdup($0) } + [nil]
  defer { for text in argv + envp { free(text) } }
  var pid: pid_t = 0
  let failure = starting.withLock { _ in posix_spawn(&pid, program, &actions, &attributes, argv, envp) }
  guard failure == 0 else { throw .cannotStart(program: program, reason: String(cString: strerror(failure))) }
  return pid
}
