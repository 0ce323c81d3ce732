import Networks
import Torch
import Training

/// What the pictures of a set are like, in a few numbers each, and of which class they are.
///
/// A generator that is told them makes a picture like any of the set, or like what lies between (instance conditioning,
/// Casanova et al. 2021). So it needn't find out itself what kinds there are, nor can it leave any out; a class is a choice of
/// pictures, and has all their variety.
public final class TraitTable: Module {
  /// [pictures, traits], each trait with a mean of 0; the squares of a picture's are about 1 together, as those of a class are.
  let values: Tensor
  /// float32 [pictures]: the class of each; -1 for none.
  let labels: Tensor
  /// Deviation of what is added to a picture's traits, in their own: what is made is like it and its neighbours, not it.
  static let blur = 0.3
  private var deviation: Double { Self.blur / Double(values.size(1)).squareRoot() }

  init(pictures: Int, traits: Int) {
    (values, labels) = (Tensor.zeros([pictures, traits]), Tensor.full([pictures], -1))
  }

  /// Traits [N, traits] on the CPU like those of some picture, one by each seed.
  ///
  /// - Parameter label: of pictures of that class; nil for any.
  func drawn(seeds: [UInt64], label: Int?) -> Tensor {
    let all = labels.to(.cpu).floats, own = all.indices.filter { label == nil || Int(all[$0]) == label }
    let known = own.isEmpty ? Array(all.indices) : own
    let rows = seeds.map { seed -> (Int, Tensor) in
      // Another stream than the latent's own. Below 2³², so that small seeds stay small.
      var noise = Noise(seed: seed ^ 0x7472_6100)
      return (known[noise.integers(below: known.count, count: 1)[0]], noise.normal([values.size(1)]))
    }
    let like = values.to(.cpu).indexSelected(dim: 0, indices: Tensor(rows.map(\.0)))
    return like + Tensor.stacked(rows.map(\.1)) * deviation
  }

  /// Those of pictures by their numbers: [N, traits] on the table's device.
  func blurred(_ indices: [Int], _ noise: inout Noise) -> Tensor {
    let own = values.indexSelected(dim: 0, indices: Tensor(indices).to(values.device))
    return own + noise.normal(own.shape, on: values.device) * deviation
  }

  /// - Parameters:
  ///   - values: [pictures, traits], each trait with a mean of 0 and a deviation of 1.
  ///   - labels: the class of each; -1 for none.
  func fill(_ values: Tensor, labels: [Int]) {
    withoutGradients {
      self.values.copy(from: values / Double(values.size(1)).squareRoot())
      self.labels.copy(from: Tensor(labels.map(Float.init)))
    }
  }
}

/// Settings of a recipe that may be told what each picture is like.
protocol TraitSettings: RecipeSettings {
  var latent: Int { get }
  /// How many numbers say that; 0 for none.
  var traits: Int { get set }
  /// Pictures whose traits are kept.
  var pictures: Int { get set }
  var conditional: Bool { get }
  var classes: [String] { get }
  var classCounts: [Int] { get }
}

extension TraitSettings {
  /// Fewer pictures are all that they are; of more, looking at each takes too long.
  static var told: ClosedRange<Int> { 50...20_000 }

  /// As many traits as suit the pictures, where a network can look at them.
  mutating func chooseTraits(for situation: Situation) {
    guard situation.knowsTraits, Self.told.contains(situation.pictures) else { return }
    (traits, pictures) = (min(32, situation.pictures / 8), situation.pictures)
  }

  /// The classes that networks are told of by name. Where traits say what pictures are like, a class is a choice of them.
  var namedClasses: Classes { Classes(conditional && traits == 0 ? classes : [], counts: classCounts) }

  /// Numbers that networks are told of each picture: its traits, or a 1 for its class; 0 for none.
  var kinds: Int { traits > 0 ? traits : namedClasses.names.count }

  var newTable: TraitTable? { traits > 0 ? TraitTable(pictures: pictures, traits: traits) : nil }

  func checkTraits() throws(RecipeError) {
    try expect((0...512).contains(traits), "traits", traits, "use 0 to 512")
    try expect(traits == 0 || pictures > traits, "pictures", pictures, "it must be more than the traits")
  }
}

/// A model whose latents end with the traits of a picture, where it is told of any.
protocol TraitModel: PictureModel where Settings: TraitSettings {
  var table: TraitTable? { get }
}

extension TraitModel {
  public var offers: Offers {
    Offers(latent: settings.latent + settings.traits, classes: settings.conditional ? settings.classes : [])
  }

  /// [N, latent + traits]: those of each seed, and the traits of a picture like one of the set, of the class that is asked for.
  public func latents(of request: PictureRequest) -> Tensor {
    if let latents = request.latents { return latents }
    let own = gaussianLatents(seeds: request.seeds, size: settings.latent)
    guard let table else { return own }
    let label = request.className.flatMap { settings.classes.firstIndex(of: $0) }
    return Tensor.concatenated([own, table.drawn(seeds: request.seeds, label: label)], dim: 1)
  }

  /// These and the table.
  func parts(_ parts: [String: any Saved]) -> [String: any Saved] {
    var parts = parts
    parts["traits"] = table
    return parts
  }

  /// A request's latents [N, latent] and what its pictures are to be like, [N, kinds], both on the CPU.
  func asked(_ request: PictureRequest) -> (z: Tensor, kinds: Tensor?) {
    let latents = latents(of: request)
    guard settings.traits > 0 else { return (latents, settings.namedClasses.weights(of: request)) }
    return (
      latents.narrowed(dim: 1, from: 0, count: settings.latent),
      latents.narrowed(dim: 1, from: settings.latent, count: settings.traits)
    )
  }

  /// What a step of training tells networks of its pictures, [N, kinds]; nil for nothing. Real and generated pictures are
  /// judged as of the same kinds.
  func told(_ batch: Batch, noise: inout Noise, on device: Device) -> Tensor? {
    if let table { return table.blurred(batch.indices, &noise).to(device) }
    let classes = settings.namedClasses
    return classes.shown(batch.labels, noise: &noise).map { classes.oneHot($0, on: device) }
  }
}

/// A recipe of such a model.
protocol TraitRecipe: Recipe where Trained: TraitModel {}

extension TraitRecipe {
  public var traitCount: Int { model.settings.traits }
  public func take(traits: Tensor, labels: [Int]) { model.table?.fill(traits, labels: labels) }
}
