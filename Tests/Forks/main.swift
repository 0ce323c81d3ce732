import Commands
import Foundation
import LargeModels

// `atelier` for tests that run hundreds of verbs: LibTorch takes a third of a second of a core to start, so it is started once, and each verb
// is a fork of this process. `atelier-forks --listen SOCKET` answers one `Request` a connection with the verb's process and how it ended, and
// ends with its standard input. With other arguments it is the command line, which starts itself for `train --processes`.

/// A verb: a line of JSON.
struct Request: Decodable {
  let arguments: [String]
  let folder: String
  let environment: [String: String]
  /// Files for standard output and standard error.
  let out: String
  let err: String
}

if CommandLine.argc != 3 || CommandLine.arguments[1] != "--listen" {
  Atelier.main()
  exit(0)
}

// What each verb would do anew: Swift makes the types of all options when they are first asked for, and 48,894 merges are read.
_ = Tokenizer.clip()
for command in Atelier.configuration.subcommands {
  _ = try? Atelier.parseAsRoot([command._commandName, "--no-such-option"])
}
signal(SIGPIPE, SIG_IGN)
let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
var address = sockaddr_un()
address.sun_family = sa_family_t(AF_UNIX)
withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: CommandLine.arguments[2].utf8) }
let size = socklen_t(MemoryLayout<sockaddr_un>.size)
let isBound = withUnsafePointer(to: &address) {
  $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) } == 0
}
guard isBound, listen(listener, 128) == 0 else { exit(74) }

while true {
  var files = [
    pollfd(fd: 0, events: Int16(POLLIN), revents: 0), pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
  ]
  guard poll(&files, 2, -1) > 0, files[0].revents == 0 else { exit(0) }
  let connection = accept(listener, nil, nil)
  guard connection >= 0 else { continue }
  var thread = pthread_t()
  guard pthread_create(&thread, nil, answer, UnsafeMutableRawPointer(bitPattern: Int(connection))) == 0 else {
    exit(71)
  }
  pthread_detach(thread)
}

/// Forks, and tells the verb's process and at its end how it ended, as wait(2) has it.
///
/// A thread of its own, and before anything else: Swift's locks remember their thread by its number, which is another one in a fork.
func answer(_ word: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  let verb = fork()
  let connection = Int32(Int(bitPattern: word))
  if verb == 0 { become(connection) }
  func tell(_ words: String) {
    let line = words + "\n"
    _ = line.withCString { write(connection, $0, strlen($0)) }
  }
  tell("\(verb)")
  var status: Int32 = 0
  while waitpid(verb, &status, 0) < 0 && errno == EINTR {}
  tell("\(status)")
  close(connection)
  return nil
}

/// Reads a request, and is its verb.
func become(_ connection: Int32) -> Never {
  signal(SIGPIPE, SIG_DFL)
  var text = Data()
  var byte: UInt8 = 0
  while read(connection, &byte, 1) == 1, byte != 10 { text.append(byte) }
  // Others' connections, too: their ends would never be seen.
  for file in 3..<256 { close(Int32(file)) }
  guard let request = try? JSONDecoder().decode(Request.self, from: text) else { exit(65) }
  for (path, file) in [("/dev/null", Int32(0)), (request.out, 1), (request.err, 2)] {
    let opened = open(path, file == 0 ? O_RDONLY : O_WRONLY)
    guard opened >= 0, dup2(opened, file) >= 0 else { _exit(74) }
    close(opened)
  }
  guard chdir(request.folder) == 0 else { _exit(66) }
  for name in ProcessInfo.processInfo.environment.keys where request.environment[name] == nil { unsetenv(name) }
  for (name, value) in request.environment { setenv(name, value, 1) }
  Atelier.main(request.arguments)
  exit(0)
}
