namespace EdgeSync.Node.Settings;

/// <summary>
/// A reload applies a new value of this setting, or of this whole section, while the node runs. Others need a restart.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class LiveAttribute : Attribute;
