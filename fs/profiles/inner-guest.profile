# Inner VM of a double passthrough: the guest inside the nested ESXi host that uses the GPU.
profile.summary = "VM inside a nested ESXi host that uses the GPU"
profile.param.mmio = "16"          # GiB of 64-bit MMIO
profile.param.device = ""          # PCI address on the nested host

pciPassthru.use64bitMMIO = "TRUE"
pciPassthru.64bitMMIOSizeGB = "${mmio}"
sched.mem.min = "${memSize}"
sched.mem.pin = "TRUE"

[require]
memSize

[advise]
firmware = "efi"
