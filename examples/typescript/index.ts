// A person's own Pulumi program in TypeScript: no pse command runs it, and the plugin judges every resource all the same.
// examples/README.md says what to do before `pulumi preview`.
import * as pulumi from "@pulumi/pulumi";
import * as pse from "pse-cloud";

const place = new pulumi.Config().get("place") ?? "sample-markhor/islamabad/ict-1";
const ours = { workload: "analytics", place };

const image = pse.getImageOutput({ place, name: "debian-12" });
const shape = pse.getShapeOutput({ place, vcpus: 2, memoryMib: 4096 });
const price = pse.getPriceOutput({ place, kind: "compute", name: shape.shape });

const network = new pse.Network("network", { ...ours, name: "own-net", cidr: "10.20.0.0/16" });
const subnet = new pse.Subnet("subnet", { ...ours, name: "own-sub", network: network.id, cidr: "10.20.1.0/24" });
const key = new pse.KeyPair("key", {
  ...ours,
  name: "own-key",
  publicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6pQ0t7Vt0qv2Jd0cO3xq0Vh8kQx5b8iU8hH2uO0d1m own",
});
const server = new pse.Server("server", {
  ...ours,
  name: "own-web",
  shape: shape.shape,
  image: image.image,
  subnet: subnet.id,
  keyPair: key.id,
  userData: "#!/bin/sh\nexit 0\n",
});

export const address = server.address;
export const monthly = pulumi.interpolate`${price.currency} ${price.monthly} a month before tax, by ${price.book}`;
