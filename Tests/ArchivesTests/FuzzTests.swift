import Foundation
import TestSupport
import Testing
import Torch

@testable import Archives

/// Readers of strangers' files, in this process, on thousands of damaged ones: each is read or refused, whatever it says.
///
/// The same files each time. `ATELIER_FUZZ_SECONDS=600 swift test --sanitize=address --filter FuzzTests` looks further.
@Suite struct FuzzTests {
  private static let seconds =
    ProcessInfo.processInfo.environment["ATELIER_FUZZ_SECONDS"].flatMap { Double($0) } ?? 1

  /// Mutates until time is up: a bit, a byte, a run of them, a length, an end.
  private func fuzz(_ whole: [UInt8], _ read: ([UInt8]) -> Void) {
    var state: UInt64 = 1
    func draw(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407  // Knuth's MMIX.
      return Int(state >> 33) % max(1, limit)
    }
    let end = Date().addingTimeInterval(Self.seconds)
    while Date() < end {
      var bytes = whole
      for _ in 0...draw(4) where !bytes.isEmpty {
        let place = draw(bytes.count)
        switch draw(7) {
        case 0: bytes[place] ^= 1 << draw(8)
        case 1: bytes[place] = UInt8(draw(256))
        case 2: for i in place..<min(place + 4, bytes.count) { bytes[i] = 0xFF }
        case 3: for i in place..<min(place + 8, bytes.count) { bytes[i] = 0 }
        case 4: bytes.removeLast(bytes.count - place)
        case 5: bytes.insert(contentsOf: bytes[place..<min(place + draw(64), bytes.count)], at: draw(bytes.count))
        default: bytes.removeSubrange(place..<min(place + draw(64), bytes.count))
        }
      }
      read(bytes)
    }
  }

  @Test(arguments: ["zip.pth", "legacy.pth", "evil.pth"]) func checkpoints(_ name: String) throws {
    let folder = TemporaryFolder(), path = folder.path(name)
    fuzz([UInt8](try Data(contentsOf: URL(filePath: golden(name))))) { bytes in
      try? Data(bytes).write(to: URL(filePath: path))
      _ = try? PyTorchCheckpoint.read(path, byteLimit: 1 << 24)
    }
  }

  @Test func archives() throws {
    let folder = TemporaryFolder(), path = folder.path("a.zip")
    fuzz([UInt8](try Data(contentsOf: URL(filePath: golden("good.zip"))))) { bytes in
      try? Data(bytes).write(to: URL(filePath: path))
      guard let archive = try? Archive(path, .zipOrTar, limits: .init(bytes: 1 << 22)) else { return }
      _ = try? archive.entries(startBytes: 512)
      try? archive.forEach { _, read throws(ArchiveError) in
        _ = try read()
        return true
      }
    }
  }

  @Test func safetensors() throws {
    let folder = TemporaryFolder(), path = folder.path("a.safetensors")
    fuzz([UInt8](try Data(contentsOf: URL(filePath: golden("expected.safetensors"))))) { bytes in
      // Mapped files that shrink while they are read end a process: each has a file of its own.
      try? FileManager.default.removeItem(atPath: path)
      try? Data(bytes).write(to: URL(filePath: path))
      guard let tensors = try? Safetensors.read(path).tensors else { return }
      for tensor in tensors.values where tensor.count > 0 { _ = tensor.to(.float32).sum().item() }
    }
  }

  @Test func networks() {
    let param = Array(
      "7767517\n3 3\nInput d 0 1 d\nConvolution c 1 1 d a 0=2 1=1 5=1 6=6 9=2 -23310=1,2.0e-01\nPReLU s 1 1 a b 0=2\n"
        .utf8)
    let bin: [UInt8] = [0x47, 0x6B, 0x30, 0x01] + [UInt8](repeating: 60, count: 40)
    fuzz(param) { _ = try? NcnnModel(param: $0, bin: bin, named: "net") }
    fuzz(bin) { _ = try? NcnnModel(param: param, bin: $0, named: "net") }
    let tensor: [UInt8] = [8, 2, 8, 3, 16, 1, 66, 1, 119, 74, 24] + [UInt8](repeating: 62, count: 24)
    let node: [UInt8] = [10, 1, 120, 34, 4, 67, 111, 110, 118]
    let graph: [UInt8] = [10, UInt8(node.count)] + node + [42, UInt8(tensor.count)] + tensor
    fuzz([8, 0x88, 1, 58, UInt8(graph.count)] + graph) { _ = try? ONNXWeights($0, named: "net") }
  }
}
