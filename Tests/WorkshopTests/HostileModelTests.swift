import Foundation
import Models
import Networks
import Testing
import Torch
import Training

@testable import Workshop

/// Files of a few bytes that ask for networks of any size: refused before anything is built.
@Suite struct HostileModelTests {
  /// Weights in a file, their elements none or few.
  private func refused(_ shapes: [String: [Int]], as architecture: String) throws {
    let studio = try Studio()
    let path = "\(studio.root)/hostile.safetensors"
    try Safetensors.write(shapes.mapValues { Tensor.zeros($0) }, to: path)
    // As what it is said to be, and as whatever it may be.
    for named in [architecture, nil] {
      #expect(throws: ModelError.self, "\(architecture)") {
        try importModel(ImportRequest(path, as: named), in: studio.workspace)
      }
    }
  }

  private static let huge = 1 << 40

  @Test func emptyTensorsSizeNoNetwork() throws {
    let huge = Self.huge
    try refused(
      ["conv_first.weight": [huge, 0, 3, 3], "body.0.rdb1.conv1.weight": [huge, 0, 3, 3]], as: "realesrgan")
    try refused(["body.0.weight": [huge, 0, 3, 3], "body.2.weight": [12, 0, 3, 3]], as: "realesrgan")
    try refused(
      ["model.1.weight": [huge, 0, 7, 7], "model.10.conv_block.1.weight": [0, 0, 3, 3]], as: "cyclegan")
    try refused(
      ["0.weight": [huge, 0, 4, 4], "1.model.1.weight": [0], "1.model.3.model.1.weight": [0]], as: "pix2pix")
    try refused(["contract.0.norm.gamma": [huge, 0]], as: "brush")
    try refused(["0.weight": [huge, 0, 4, 4], "3.weight": [huge, 0, 4, 4]], as: "dcgan")
    try refused(["main.0.weight": [huge, 0], "main.2.weight": [0, 0], "main.4.weight": [huge, 0]], as: "dense")
    try refused(
      ["mapping.0.weight": [huge, 0], "stages.0.blocks.0.conv.weight": [huge, 0, 1, 1], "base.weight": [huge, 0]],
      as: "r3gan")
    try refused(["mapping.fc0.weight": [0, huge], "mapping.embed.weight": [0, huge]], as: "stylegan2")
  }

  /// One long row makes a square of it in the network.
  @Test func oneLargeTensorIsNoLargeNetwork() throws {
    let many = 200_000
    try refused(
      ["conv_first.weight": [many, 3, 1, 1], "body.0.rdb1.conv1.weight": [many, 1, 1, 1]], as: "realesrgan")
    try refused(
      ["body.0.weight": [many, 3, 1, 1], "body.2.weight": [12, 1, 1, 1], "body.4.weight": [12, 1, 1, 1]],
      as: "realesrgan")
    try refused(["model.1.weight": [many, 3, 1, 1], "model.10.conv_block.1.weight": [1, 1, 3, 3]], as: "cyclegan")
    try refused(["main.0.weight": [many, 1], "main.4.weight": [many, 1]], as: "dense")
    try refused(["0.weight": [1, 1, 4, 4], "3.weight": [1, 1, 4, 4], "6.weight": [many, 3, 1, 1]], as: "dcgan")
    try refused(["mapping.fc0.weight": [many, 1], "mapping.fc1.weight": [1, 1]], as: "stylegan2")
  }

  /// Two layers of a block under one number.
  @Test func layersOfOneNumber() throws {
    try refused(
      [
        "model.1.weight": [4, 3, 7, 7], "model.10.conv_block.1.weight": [16, 16, 3, 3],
        "model.10.conv_block.5.weight": [16, 16, 3, 3], "model.10.conv_block.6.weight": [16, 16, 3, 3],
      ], as: "cyclegan")
    try refused(["model.1.weight": [4, 5, 7, 7], "model.10.conv_block.1.weight": [16, 16, 3, 3]], as: "cyclegan")
  }

  /// A checkpoint's own settings may ask for anything, too.
  @Test(arguments: [#""width":4000000000000"#, #""latent":-5"#, #""channels":1e300"#, #""size":1e9"#, #""batch":0"#])
  func settingsOfACheckpoint(_ setting: String) throws {
    let studio = try Studio()
    let path = "\(studio.root)/hostile.safetensors"
    let facts = Checkpoint.Facts(recipe: "dcgan", settings: "{\(setting)}", seed: 0)
    try Safetensors.write(["generator.average/x": Tensor.zeros([1])], metadata: facts.metadata, to: path)
    #expect {
      _ = try Generator(path, in: studio.workspace)
    } throws: { error in
      (error as? any Explained)?.exit == .data
    }
  }
}
