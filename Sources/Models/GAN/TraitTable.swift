import Networks
import Torch
import Training

/// What the pictures of a set are like, in a few numbers each, and of which class they are.
///
/// A generator that is told them makes a picture like any of the set, or like what lies between (instance conditioning,
/// Casanova et al. 2021). So it needn't find out itself what kinds there are, nor can it leave any out; a class is a choice of
/// pictures, and has all their variety.
public final class TraitTable: Module {
  /// [pictures, traits], each trait with a mean of 0 and a deviation of 1.
  let values: Tensor
  /// float32 [pictures]: the class of each; -1 for none.
  let labels: Tensor
  /// Deviation of what is added to a picture's traits, so that what is made is like it and its neighbours, not it.
  static let blur = 0.3

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
    return like + Tensor.stacked(rows.map(\.1)) * Self.blur
  }

  /// Those of pictures by their numbers: [N, traits] on the table's device.
  func blurred(_ indices: [Int], _ noise: inout Noise) -> Tensor {
    let own = values.indexSelected(dim: 0, indices: Tensor(indices).to(values.device))
    return own + noise.normal(own.shape, on: values.device) * Self.blur
  }

  /// - Parameters:
  ///   - values: [pictures, traits].
  ///   - labels: the class of each; -1 for none.
  func fill(_ values: Tensor, labels: [Int]) {
    withoutGradients {
      self.values.copy(from: values)
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

  func checkTraits() throws(RecipeError) {
    try expect((0...512).contains(traits), "traits", traits, "use 0 to 512")
    try expect(traits == 0 || pictures > traits, "pictures", pictures, "it must be more than the traits")
  }
}

/// A model whose latents end with the traits of a picture, where it is told of any.
protocol TraitModel: StyleModel where Settings: TraitSettings {
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

  /// Latents [N, latent + traits] as both.
  func parted(_ latents: Tensor) -> (z: Tensor, traits: Tensor?) {
    guard settings.traits > 0 else { return (latents, nil) }
    return (
      latents.narrowed(dim: 1, from: 0, count: settings.latent),
      latents.narrowed(dim: 1, from: settings.latent, count: settings.traits)
    )
  }
}
