using System.Net;
using System.Text;
using EdgeSync.Iroh.PortMapping;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Iroh.PortMapping;

public sealed class UpnpTests
{
    private const string Answer =
        "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nLocation: http://192.168.1.1:5000/rootDesc.xml\r\n\r\n";

    private const string Description = """
        <?xml version="1.0"?>
        <root xmlns="urn:schemas-upnp-org:device-1-0"><device><deviceType>x</deviceType><serviceList><service>
        <serviceType>urn:schemas-upnp-org:service:Layer3Forwarding:1</serviceType><controlURL>/ctl/L3F</controlURL>
        </service></serviceList><deviceList><device><deviceList><device><serviceList><service>
        <serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><SCPDURL>/WANIPCn.xml</SCPDURL>
        <controlURL>/ctl/IPConn</controlURL></service></serviceList></device></deviceList></device></deviceList>
        </device></root>
        """;

    private static readonly IPAddress Router = IPAddress.Parse("192.168.1.1");

    [Test]
    public void Finds_the_service_that_maps_ports()
    {
        var location = Upnp.LocationOf(Encoding.ASCII.GetBytes(Answer), Router)!;
        var service = Upnp.ServiceOf(Description, location)!.Value;

        Assert.Equal("urn:schemas-upnp-org:service:WANIPConnection:1", service.Service);
        Assert.Equal("http://192.168.1.1:5000/ctl/IPConn", service.Control.ToString());
    }

    [Test]
    public void Nothing_is_read_from_elsewhere()
    {
        Assert.Null(Upnp.LocationOf(Encoding.ASCII.GetBytes(Answer), IPAddress.Parse("192.168.1.9")));
        Assert.Null(Upnp.LocationOf("NOTIFY * HTTP/1.1\r\nLOCATION: http://192.168.1.1/\r\n"u8, Router));
        Assert.Null(Upnp.LocationOf("HTTP/1.1 200 OK\r\nLOCATION: https://192.168.1.1/\r\n"u8, Router));
        var elsewhere = Description.Replace("/ctl/IPConn", "http://192.0.2.1/x", StringComparison.Ordinal);
        Assert.Null(Upnp.ServiceOf(elsewhere, new Uri("http://192.168.1.1/")));
    }

    [Test]
    public void Descriptions_with_entities_and_damaged_ones_are_none()
    {
        var location = new Uri("http://192.168.1.1/");
        Assert.Null(Upnp.ServiceOf("<!DOCTYPE x [<!ENTITY a \"b\">]>" + Description[21..], location));
        Assert.Null(Upnp.ServiceOf(string.Concat(Enumerable.Repeat("<a>", 100)), location));
        Property.Check(
            prng =>
            {
                var bytes = Mutation.OfBytes(prng, Encoding.UTF8.GetBytes(Description), []);
                Upnp.ServiceOf(Encoding.UTF8.GetString(bytes), location);
                Upnp.ErrorOf(Encoding.UTF8.GetString(bytes));
            },
            runs: 500);
    }

    [Test]
    public void Calls_and_answers()
    {
        var call = Upnp.MapCall("urn:x", 40000, IPAddress.Parse("192.168.1.2"), 7777, 7200);

        Assert.Contains(
            "<u:AddPortMapping xmlns:u=\"urn:x\"><NewRemoteHost></NewRemoteHost>", call, StringComparison.Ordinal);
        Assert.Contains(
            "<NewExternalPort>40000</NewExternalPort><NewProtocol>UDP</NewProtocol>"
            + "<NewInternalPort>7777</NewInternalPort><NewInternalClient>192.168.1.2</NewInternalClient>",
            call, StringComparison.Ordinal);
        const string Address = "<a><NewExternalIPAddress>203.0.113.9</NewExternalIPAddress></a>";
        Assert.Equal("203.0.113.9", Upnp.AddressOf(Address)!.ToString());
        Assert.Null(Upnp.AddressOf("<a><NewExternalIPAddress>0.0.0.0</NewExternalIPAddress></a>"));
        Assert.Equal(725, Upnp.ErrorOf("<e><detail><UPnPError><errorCode>725</errorCode></UPnPError></detail></e>"));
        Assert.Equal(0, Upnp.ErrorOf("no XML"));
    }
}
