import Foundation

/// Many records of the same size, of which memory holds the first; the others are in a file without a name, which the system
/// deletes when the process ends, however that happens.
final class Records {
  let size: Int
  private let inMemory: Int
  private let folder: String
  private(set) var count = 0
  private var held: [UInt8] = []
  private var file: Int32 = -1
  private var path = ""
  /// The two records that were read last, and which they are.
  private var (pages, numbers): ([[UInt8]], [Int])

  /// - Parameters:
  ///   - size: bytes of a record.
  ///   - budget: bytes that memory holds.
  ///   - folder: where the file is made when there are more, and the folder itself if need be.
  init(of size: Int, budget: Int, folder: String) {
    (self.size, inMemory, self.folder) = (size, budget / size, folder)
    pages = [[UInt8]](repeating: [UInt8](repeating: 0, count: size), count: 2)
    numbers = [-1, -1]
  }
  deinit { if file >= 0 { close(file) } }

  /// - Throws: `FileError` when the folder can't be written to, or is full.
  func append(_ record: [UInt8]) throws(FileError) {
    precondition(record.count == size)
    if count < inMemory {
      held += record
    } else {
      if file < 0 { try open() }
      var done = 0
      while done < size {
        let written = record.withUnsafeBytes { pwrite(file, $0.baseAddress! + done, size - done, offset(count) + done) }
        if written < 0 && errno == EINTR { continue }
        if written <= 0 { throw .last(path) }
        done += written
      }
    }
    count += 1
  }

  /// What `body` makes of two records.
  ///
  /// - Throws: `FileError`.
  func with<Result>(
    _ i: Int, _ j: Int, _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Result
  ) throws(FileError) -> Result {
    try read(i, 0)
    try read(j, 1)
    return with(i, page: 0) { a in with(j, page: 1) { b in body(a, b) } }
  }

  private func with<Result>(_ i: Int, page: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    if i >= inMemory { return pages[page].withUnsafeBufferPointer(body) }
    return held.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[i * size..<(i + 1) * size])) }
  }

  private func offset(_ number: Int) -> Int { (number - inMemory) * size }

  private func read(_ number: Int, _ page: Int) throws(FileError) {
    guard number >= inMemory, numbers[page] != number else { return }
    numbers[page] = -1
    var done = 0
    while done < size {
      let (file, rest, from) = (file, size - done, offset(number) + done)
      let count = pages[page].withUnsafeMutableBytes { pread(file, $0.baseAddress! + done, rest, from) }
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { throw .last(path) }
      done += count
    }
    numbers[page] = number
  }

  private func open() throws(FileError) {
    try AtomicFile.makeFolder(folder)
    path = "\(folder)/likenesses.\(UInt32.random(in: 0 ... .max)).\(getpid()).part"
    file = Foundation.open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw .last(path) }
    unlink(path)
  }
}
