using EdgeSync.Nats;
using Microsoft.Extensions.Primitives;
using NATS.Client.Core;
using NatsHeaders = EdgeSync.Nats.Wire.NatsHeaders;

namespace EdgeSync.Net.Nats;

/// <summary>Converts messages and headers of NATS.Net to ours, and back.</summary>
internal static class NatsNetMessages
{
    public static NatsMessage MessageOf(in NatsMsg<byte[]> message) =>
        new(message.Subject, message.ReplyTo, HeadersOf(message.Headers), message.Data);

    public static NATS.Client.Core.NatsHeaders? HeadersOf(NatsHeaders? headers)
    {
        if (headers is null) return null;

        var result = new NATS.Client.Core.NatsHeaders();
        foreach (var (key, value) in headers)
            result[key] = result.TryGetValue(key, out var before) ? StringValues.Concat(before, value) : value;
        return result;
    }

    private static NatsHeaders? HeadersOf(NATS.Client.Core.NatsHeaders? headers)
    {
        if (headers is null) return null;

        var result = new NatsHeaders { Code = headers.Code, Message = headers.MessageText };
        try
        {
            foreach (var (key, values) in headers)
                foreach (var value in values) result.Add(key, value ?? "");
            return result;
        }
        catch (ArgumentException)
        {
            return null;   // a malformed header block
        }
    }
}
