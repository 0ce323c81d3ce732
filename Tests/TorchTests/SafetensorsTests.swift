import Foundation
import Testing
import Torch

@Suite struct SafetensorsTests {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).safetensors").path

  private func write(header: String, elements: Int = 0, claim: UInt64? = nil) throws {
    var data = withUnsafeBytes(of: (claim ?? UInt64(header.utf8.count)).littleEndian) { Data($0) }
    data += Data(header.utf8) + Data(count: elements)
    try data.write(to: URL(fileURLWithPath: path))
  }

  @Test func whatIsWrittenIsRead() throws {
    defer { unlink(path) }
    let tensors = [
      "a.weight": Tensor([1, 2, 3] as [Float]), "half": Tensor([0.5, -2] as [Float]).to(.bfloat16),
      "flags": Tensor([true, false, true]), "empty": Tensor([] as [Int], shape: [0, 4]),
      "one": Tensor([7]).reshaped([]),
    ]
    try Safetensors.write(tensors, metadata: ["title": "Ärger \"quoted\"\n"], to: path)
    let (read, metadata) = try Safetensors.read(path)
    #expect(metadata == ["title": "Ärger \"quoted\"\n"])
    #expect(Set(read.keys) == Set(tensors.keys))
    for (name, tensor) in tensors { #expect(read[name]!.isEqual(to: tensor), "\(name)") }
  }

  @Test func aChangeInMemoryLeavesTheFile() throws {
    defer { unlink(path) }
    try Safetensors.write(["x": Tensor.ones([4])], to: path)
    let x = try Safetensors.read(path).tensors["x"]!
    withoutGradients { x.fill(5) }
    #expect(try Safetensors.read(path).tensors["x"]!.floats == [1, 1, 1, 1])
  }

  #if os(Linux)
    /// What was read of a file need not stay in memory: it is read again. What isn't a file's stays.
    @Test func aMappedTensorsMemoryIsGivenBack() throws {
      defer { unlink(path) }
      let count = 1 << 21
      try Safetensors.write(["a": Tensor.ones([count]), "b": Tensor.ones([count]) * 2], to: path)
      let tensors = try Safetensors.read(path).tensors
      let (a, b) = (tensors["a"]!, tensors["b"]!)
      #expect(a.sum().item() == Double(count) && b.sum().item() == Double(2 * count))
      /// Megabytes of the file that are in this process's memory.
      func resident() throws -> Int {
        let file = try #require(FileHandle(forReadingAtPath: "/proc/self/smaps"))
        let maps = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
        let part = try #require(maps.range(of: path))
        let line = try #require(maps[part.upperBound...].split(separator: "\n").first { $0.hasPrefix("Rss:") })
        return try #require(Int(line.split(whereSeparator: \.isWhitespace)[1])) / 1024
      }
      #expect(try resident() >= 16)
      a.forgetMapped()
      #expect(try (7...9).contains(resident()))
      #expect(a.isEqual(to: Tensor.ones([count])) && b.sum().item() == Double(2 * count))
      // A part gives back itself; whatever it does, the rest of the tensor is there.
      b[0..<(count / 2)].forgetMapped()
      #expect(b.sum().item() == Double(2 * count))
      let own = Tensor.ones([count])
      own.forgetMapped()
      #expect(own.sum().item() == Double(count))
    }
  #endif

  @Test func aFailedWriteLeavesTheOldFileAndNothingElse() throws {
    defer { unlink(path) }
    try Safetensors.write(["x": Tensor.ones([4])], to: path)
    #expect(throws: SafetensorsError.self) {
      try Safetensors.write(["x": Tensor.ones([4])], to: path + "/below-a-file")
    }
    #expect(try Safetensors.metadata(path).isEmpty)
  }

  @Test(arguments: [
    (#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,16]}}"#, 16),  // Bytes and shape disagree.
    (#"{"x":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, 0),  // Overflow.
    (#"{"x":{"dtype":"F32","shape":[0,2147483648,4294967296],"data_offsets":[0,0]}}"#, 0),  // The same beside a zero.
    (#"{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4),
    (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8),  // A gap.
    (
      #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 4
    ),
    (#"{"x":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}"#, 4),  // Beyond the end.
    (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 400),  // Bytes left over.
    (#"{"x":{"dtype":"OBJECT","shape":[1],"data_offsets":[0,4]}}"#, 4),
    (#"{"x":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#, 4),
    (#"{"x":[]}"#, 0), (#"[1]"#, 0), (#"{"__metadata__":{"a":1}}"#, 0), ("not json", 0), ("", 0),
  ])
  func hostileHeadersAreRefused(header: String, elements: Int) throws {
    defer { unlink(path) }
    try write(header: header, elements: elements)
    #expect(throws: SafetensorsError.self) { try Safetensors.read(path) }
  }

  /// What is whole and isn't read, and what comes under the name, isn't called hostile.
  @Test func otherKindsAreNamed() throws {
    defer { unlink(path) }
    try write(header: #"{"x":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}"#, elements: 4)
    #expect(throws: SafetensorsError.unreadType(path: path, name: "x", type: "F8_E4M3")) { try Safetensors.read(path) }
    #expect(
      SafetensorsError.unreadType(path: "a", name: "x", type: "F8_E4M3").sentence
        == "a holds the tensor 'x' in F8_E4M3, which isn't read here: use a file in 16 or 32 bits.")
    for (start, kind) in [
      ("version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"), ("GGUF\u{3}\0\0\0\0\0", "a GGUF file"),
      ("<!DOCTYPE html><html>", "a web page"), ("PK\u{3}\u{4}\u{14}\0\u{8}\u{8}", "a zip file"),
    ] {
      try Data(start.utf8).write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: SafetensorsError.self) { try Safetensors.read(path) }
      #expect(error?.sentence.contains("isn't a safetensors file but \(kind)") == true, "\(start): \(error as Any)")
    }
  }

  @Test func aHugeHeaderIsRefusedBeforeItIsRead() throws {
    defer { unlink(path) }
    try write(header: "{}", claim: 200_000_000)
    #expect(throws: SafetensorsError.headerTooLarge(path: path, bytes: 200_000_000)) { try Safetensors.read(path) }
    try write(header: "{}", claim: .max)
    #expect(throws: SafetensorsError.headerTooLarge(path: path, bytes: .max)) { try Safetensors.read(path) }
  }

  @Test func everyTruncationIsRefused() throws {
    defer { unlink(path) }
    try Safetensors.write(["x": Tensor.ones([4]), "y": Tensor.zeros([2])], to: path)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    for length in 0..<whole.count {
      try whole.prefix(length).write(to: URL(fileURLWithPath: path))
      #expect(throws: SafetensorsError.self) { try Safetensors.read(path) }
    }
  }

  /// Random damage gives an error or tensors, never a crash.
  @Test func damagedBytesNeverCrash() throws {
    defer { unlink(path) }
    try Safetensors.write(["x": Tensor.ones([4]), "y": Tensor.zeros([2, 3])], metadata: ["a": "b"], to: path)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    var noise = Noise(seed: 3)
    for _ in 0..<300 {
      var damaged = whole
      for _ in 0..<3 {
        damaged[noise.integers(below: whole.count, count: 1)[0]] = UInt8(noise.integers(below: 256, count: 1)[0])
      }
      try damaged.write(to: URL(fileURLWithPath: path))
      if let read = try? Safetensors.read(path) { for tensor in read.tensors.values { _ = tensor.rawBytes } }
    }
  }

  @Test func aMissingFileIsNamed() {
    #expect(throws: SafetensorsError.missing(path: "/nowhere/x")) { try Safetensors.read("/nowhere/x") }
  }
}
