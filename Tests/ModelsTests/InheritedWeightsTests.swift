import Foundation
import TestSupport
import Testing
import Torch
import Training

@testable import Models

/// That the settings which say what networks are like are known for all families.
@Suite struct InheritedWeightsTests {
  @Test func aRunWithOtherNetworksTakesAllOfAnothers() throws {
    var r3gan = R3GANSettings()
    (r3gan.size, r3gan.widths, r3gan.discriminatorWidths) = (32, [24, 16, 8], [24, 16, 16])
    (r3gan.blocks, r3gan.discriminatorBlocks, r3gan.discriminatorStem) = ([1, 2, 1], [1, 2, 1], 4)
    (r3gan.latent, r3gan.wSize) = (16, 24)
    try expectAllTaken(R3GANRecipe.self, r3gan)
    var dcgan = DCGANRecipe.Settings()
    (dcgan.size, dcgan.latent, dcgan.width) = (32, 8, 4)
    try expectAllTaken(DCGANRecipe.self, dcgan)
    var dense = DenseRecipe.Settings()
    (dense.size, dense.latent, dense.hidden, dense.channels) = (32, 8, 16, 3)
    try expectAllTaken(DenseRecipe.self, dense)
    var diffusion = DiffusionSettings()
    (diffusion.widths, diffusion.blocks, diffusion.attention) = ([16, 24, 32], 2, 8)
    try expectAllTaken(DiffusionRecipe.self, diffusion)
    var vae = VAESettings()
    (vae.size, vae.latent, vae.widths, vae.discriminatorWidths) = (32, 8, [24, 16, 8], [24, 16, 8])
    (vae.blocks, vae.stem, vae.adversarial) = (1, 4, 1)
    try expectAllTaken(VAERecipe.self, vae, with: [("adversarial", "1")])
    var vqgan = VQGANSettings()
    (vqgan.widths, vqgan.discriminatorWidths, vqgan.codes, vqgan.dimensions) = ([16, 24], [24, 16, 8], 32, 8)
    (vqgan.stem, vqgan.priorWidth, vqgan.priorDepth) = (4, 32, 1)
    try expectAllTaken(VQGANRecipe.self, vqgan)
    var gplvm = GPLVMRecipe.Settings()
    (gplvm.hidden, gplvm.inducing) = (16, 8)
    try expectAllTaken(GPLVMRecipe.self, gplvm)
  }

  /// - Parameter settings: unlike those that are chosen for 32 px.
  private func expectAllTaken<R: Recipe>(
    _ type: R.Type, _ settings: R.Settings, with changes: [(name: String, value: String)] = [],
    at location: SourceLocation = #_sourceLocation
  ) throws {
    var noise = Noise(seed: 0)
    let old = try R(settings, noise: &noise, on: .cpu)
    let path = temporaryPath("beginning", ".safetensors")
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Checkpoint.write(old.saved, facts: Checkpoint.Facts(recipe: R.name, settings: settings.json, seed: 0), to: path)
    let situation = Situation(pictures: 100, size: 32, channels: 3)
    let chosen = try R.settings(for: situation, preset: nil).shaped(like: settings, recipe: R.name)
      .changed(by: changes, recipe: R.name)
    let new = try R(chosen, noise: &noise, on: .cpu)
    let beginning = try Checkpoint(path: path).begin(new.inherited)
    #expect(
      beginning.taken == beginning.all && beginning.all > 0, "\(R.name): \(beginning.anew)", sourceLocation: location)
  }
}
