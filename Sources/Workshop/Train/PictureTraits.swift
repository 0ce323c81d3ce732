import Evaluation
import Torch
import Training

/// What each picture of a set is like, as a pretrained network sees it: the network's features along the directions in which
/// they vary most, in standard deviations.
///
/// - Returns: [pictures, count], by the pictures' numbers.
/// - Throws: as `featureNet`.
func pictureTraits(
  of set: PictureSet, at path: String, count: Int, in workspace: Workspace, on device: Device, tell: (Event) -> Void
) throws -> Tensor {
  let net = try featureNet(isQuick: true, in: workspace, on: device) { tell(.note($0)) }
  var pace = Pace(.pictures)
  let seen = SetFeatures(of: set, at: path, by: net, atMost: set.count) { tell(pace.at($0, of: $1)) }
  var places = [Int](repeating: 0, count: set.count)
  for (place, number) in seen.numbers.enumerated() { places[number] = place }
  return principalComponents(of: seen.values, count: count).indexSelected(dim: 0, indices: Tensor(places))
}

/// Whether a new run can be told what each of its pictures is like: where it asks for that, and a network to look at them can be
/// had. What keeps it from that is said.
func canSeeTraits<R: Recipe>(
  _ request: TrainRequest, _ type: R.Type, in workspace: Workspace, _ tell: (Event) -> Void
) -> Bool {
  guard R.Settings.keys.contains("traits"), request.crop != .pieces else { return false }
  do {
    try installModel(FeatureNet.name, in: workspace, say: { tell(.note($0)) })
    return true
  } catch {
    let reason = (error as? any Explained)?.sentence ?? "\(error)"
    tell(.note("The networks aren't told what each picture is like, which would make pictures more various: \(reason)"))
    return false
  }
}
