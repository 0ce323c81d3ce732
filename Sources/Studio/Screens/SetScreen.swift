import Catalogue
import Files
import Foundation

extension Screens {
  static func setPage(_ call: Call) async throws -> String {
    let id = try call.thing(), studio = call.studio
    let report = try await studio.report(ofSet: id)
    let pictures = try studio.pictures(ofSet: id).map { picture -> [String: Any] in
      var values: [String: Any] = [
        "id": picture.id, "set": id, "name": picture.name, "hasThumbnail": picture.hasThumbnail,
        "class": (picture.name as NSString).deletingLastPathComponent,
      ]
      values["caption"] = picture.caption
      values["crop"] = picture.crop.map { String($0.text.dropLast()) }
      return values
    }
    let here = Set(pictures.compactMap { $0["id"] as? String })
    let findings = findings(report.report ?? [:], here, id, call)
    let aside = studio.setAside(report.set).count
    let named = Dictionary(grouping: pictures.compactMap { $0["class"] as? String }.filter { !$0.isEmpty }) { $0 }
    let classes = named.sorted { $0.key < $1.key }.map { ["name": $0.key, "count": $0.value.count] as [String: Any] }
    return try studio.pages.page(
      "set", "start",
      [
        "title": report.set.name, "id": id, "name": report.set.name, "pictures": pictures, "count": report.set.pictures,
        "captions": report.set.captions, "aside": aside, "hasAside": aside > 0, "classes": classes,
        "hasClasses": !classes.isEmpty,
        "job": report.job ?? "", "hasReport": report.report != nil,
        "isLooking": report.job != nil && report.report == nil, "findings": findings,
        "isWell": report.report != nil && findings.isEmpty, "advice": report.report?["advice"]?["words"]?.string ?? "",
      ], call)
  }

  /// What `inspect` has found, and which pictures one click sets aside: of the same ones all but the first.
  private static func findings(_ report: [String: JSON], _ here: Set<String>, _ set: String, _ call: Call)
    -> [[String: Any]]
  {
    let word = { call.studio.pages.word($0, call.language) }
    func finding(_ key: String, count: Int, names: String, aside: [String]) -> [String: Any] {
      let ids = aside.map { catalogueID($0) }.filter(here.contains)
      return [
        "title": word("set.\(key)"), "count": count, "names": names, "hasMend": !ids.isEmpty,
        "ids": JSON.list(ids.map { .string($0) }).text,
        "mend": word("set.mend").replacing("{0}", with: "\(ids.count)"),
      ]
    }
    var found: [[String: Any]] = []
    for key in ["damaged", "tooSmall", "longish", "greyAmongColour", "blank", "transparent", "animated"] {
      let names = (report[key]?.list ?? []).compactMap { $0.string ?? $0["name"]?.string }
      guard !names.isEmpty else { continue }
      let isMended = ["damaged", "tooSmall", "greyAmongColour", "blank"].contains(key)
      // What training can do about it, without changing a picture.
      let ways = [
        "longish": [("fit", "crop=fit")], "transparent": [("white", "ground=white"), ("black", "ground=black")],
      ]
      let links = (ways[key] ?? []).map { ["label": word("set.by.\($0.0)"), "query": "pictures=set:\(set)&\($0.1)"] }
      found.append(
        finding(
          key, count: names.count, names: names.prefix(8).joined(separator: ", "), aside: isMended ? names : []
        ).merging(["ways": links]) { $1 })
    }
    for key in ["duplicates", "nearDuplicates"] {
      let groups = (report[key]?.list ?? []).map { ($0.list ?? []).compactMap(\.string) }
      guard !groups.isEmpty else { continue }
      found.append(
        finding(
          key, count: groups.count,
          names: groups.prefix(6).map { $0.joined(separator: " = ") }.joined(separator: "; "),
          aside: groups.flatMap { $0.dropFirst() }))
    }
    return found
  }
}
