using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Queries;
using EdgeSync.Tests.Support;
using static EdgeSync.IntegrationTests.Storage.Authoring.TestProject;

namespace EdgeSync.IntegrationTests.Storage.Authoring;

/// <summary>Tags put on and taken off by chance, against what tags mean.</summary>
public sealed class TagPropertyTests
{
    [Test]
    public void A_check_in_has_its_latest_tag_or_else_its_parents() => Property.Check(
        prng =>
        {
            using var project = new TestProject();
            List<RecordId> checkIns = [project.Root];
            Dictionary<RecordId, RecordId> parents = [];
            Dictionary<(RecordId, string), TagAction> said = [];
            var tags = new TagWriter(project.Repository);
            for (var step = 0; step < 30; step++)
            {
                if (prng.Chance(0.3))
                {
                    var parent = prng.Pick<RecordId>([.. checkIns]);
                    var made = project.Commit(
                        new CommitOptions
                        {
                            Parent = parent,
                            User = Tester,
                            AllowsFork = true,
                            Changes = [Put("f", $"{step}")]
                        });
                    checkIns.Add(made);
                    parents[made] = parent;
                    continue;
                }

                var target = prng.Pick<RecordId>([.. checkIns]);
                var name = prng.Pick<string>(["red", "blue"]);
                var action = prng.Pick<TagAction>([TagAction.Cancel, TagAction.Single, TagAction.Propagating]);
                var options = new TagOptions
                {
                    Target = target,
                    Name = name,
                    User = Tester,
                    Propagates = action == TagAction.Propagating
                };
                if (prng.Chance(0.7)) project.Wait(TimeSpan.FromSeconds(1));
                if (action == TagAction.Cancel) tags.Cancel(options);
                else tags.Add(options);
                said[(target, name)] = action;
            }

            foreach (var checkIn in checkIns)
            {
                var actual = Tags.Of(project.Repository, checkIn)
                    .Where(t => t.Kind > 0 && t.Name is "sym-red" or "sym-blue").Select(t => (t.Name[4..], t.Kind));
                var expected = ((string[])["blue", "red"]).Select(name => (name, (int)Meaning(checkIn, name)))
                    .Where(t => t.Item2 > 0);
                Assert.Equal(expected, actual);
            }

            TagAction Meaning(RecordId checkIn, string name)
            {
                if (said.TryGetValue((checkIn, name), out var action)) return action;
                return parents.TryGetValue(checkIn, out var parent) && Meaning(parent, name) == TagAction.Propagating
                    ? TagAction.Propagating
                    : TagAction.Cancel;
            }
        },
        runs: 40);
}
