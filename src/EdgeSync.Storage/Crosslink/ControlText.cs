using EdgeSync.Fossil.Artifacts;

namespace EdgeSync.Storage.Crosslink;

/// <summary>The timeline text of a control artifact: which tags it changed on which artifacts.</summary>
internal static class ControlText
{
    // Spec: manifest.c, manifest_crosslink, CFTYPE_CONTROL. A sentence without its dot ("Cancel background color") gets
    // it from the note part at the end, as there.
    public static string Write(Artifact control, LinkSettings settings)
    {
        var text = new EventText(settings);
        if (control.HasCard('C')) text.Add(" ").Add(EventText.FromBytes(control.Comment)).Add(".");

        // As the cards write them: a name in upper case differs here.
        var previous = "";
        var isBranchMove = false;
        foreach (var tag in InStockOrder(control.Tags))
        {
            if (tag.IsSelf) continue;
            var target = EventText.FromBytes(tag.TargetText);
            if (target != previous)
            {
                text.Add(" Edit ").AddLink(target).Add(":");
                isBranchMove = false;
                previous = target;
            }

            AddTag(text, tag, target, ref isBranchMove);
        }

        var written = text.ToString();
        return written.Length == 0 ? "" : written[1..];
    }

    private static TagCard[] InStockOrder(TagList tags)
    {
        var ordered = new TagCard[tags.Count];
        for (var i = 0; i < ordered.Length; i++) ordered[i] = tags[i];
        Array.Sort(ordered, static (left, right) =>
        {
            var order = left.TargetText.SequenceCompareTo(right.TargetText);
            if (order != 0) return order;
            order = Prefix(left.Action).CompareTo(Prefix(right.Action));
            return order != 0 ? order : left.Name.SequenceCompareTo(right.Name);
        });
        return ordered;
    }

    private static char Prefix(TagAction action) => action switch
    {
        TagAction.Cancel => '-',
        TagAction.Single => '+',
        _ => '*',
    };

    private static void AddTag(EventText text, TagCard tag, string target, ref bool isBranchMove)
    {
        var name = tag.Name;
        switch (tag.Action)
        {
            case TagAction.Propagating when name.SequenceEqual("branch"u8):
                isBranchMove = true;
                text.Add(" Move to branch [/timeline?r=").AddHtml(tag.Value).Add("&nd&dp=").AddUrlHash(target);
                text.Add("&unhide | ").AddHtml(tag.Value).Add("].");
                return;
            case TagAction.Propagating when name.SequenceEqual("bgcolor"u8):
                text.Add(" Change branch background color to \"").AddHtml(tag.Value).Add("\".");
                return;
            case TagAction.Single when name.SequenceEqual("bgcolor"u8):
                text.Add(" Change background color to \"").AddHtml(tag.Value).Add("\".");
                return;
            case TagAction.Cancel when name.SequenceEqual("bgcolor"u8):
                text.Add(" Cancel background color");
                break;
            case TagAction.Single when name.SequenceEqual("comment"u8):
                text.Add(" Edit check-in comment.");
                return;
            case TagAction.Single when name.SequenceEqual("user"u8):
                text.Add(" Change user to \"").AddHtml(tag.Value).Add("\".");
                return;
            case TagAction.Single when name.SequenceEqual("date"u8):
                text.Add(" Timestamp ").AddHtml(tag.Value).Add(".");
                return;
            case TagAction.Cancel or TagAction.Propagating when name.StartsWith("sym-"u8) && isBranchMove:
                return;
            case TagAction.Cancel when name.StartsWith("sym-"u8):
                text.Add(" Cancel tag \"").AddHtml(name[4..]).Add("\"");
                break;
            case TagAction.Propagating when name.StartsWith("sym-"u8):
                text.Add(" Add propagating tag \"").AddHtml(name[4..]).Add("\"");
                break;
            case TagAction.Single when name.StartsWith("sym-"u8):
                text.Add(" Add tag \"").AddHtml(name[4..]).Add("\"");
                break;
            case TagAction.Single when name.SequenceEqual("closed"u8):
                text.Add(" Mark \"Closed\"");
                break;
            case TagAction.Cancel when name.SequenceEqual("closed"u8):
                text.Add(" Remove the \"Closed\" mark");
                break;
            default:
                AddOther(text, tag);
                return;
        }

        if (tag.Value.IsEmpty) text.Add(".");
        else text.Add(" with note \"").AddHtml(tag.Value).Add("\".");
    }

    private static void AddOther(EventText text, TagCard tag)
    {
        text.Add(tag.Action switch
        {
            TagAction.Cancel => " Cancel \"",
            TagAction.Single => " Add \"",
            _ => " Add propagating \"",
        });
        text.AddHtml(tag.Name).Add("\"");
        if (tag.Value.IsEmpty) text.Add(".");
        else text.Add(" with value \"").AddHtml(tag.Value).Add("\".");
    }
}
